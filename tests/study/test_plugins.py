"""Plugins: what they register, what they are refused for, and that they travel."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from study import plugins, records
from study.experiment_plan import ExperimentSpec, experiment_id
from study.explore import explore
from study.plan import SearchSpec, run_id
from study.reading import read
from study.run import main
from tests.study.commands import ROOT, last_json, run
from trainables.data import DataSource, load_dataset
from trainables.data.own import loaded
from trainables.errors import UserError
from trainables.model_check import require_fits
from trainables.models import MODELS

OWN_MODEL, OWN_DATA = ROOT / "examples" / "own_model.py", ROOT / "examples" / "own_data.py"
EXAMPLES = ("--plugin", str(OWN_MODEL), "--plugin", str(OWN_DATA))

MODEL = """
from torch import nn
from study.plugins import add_model

def build(classes):
    {body}

add_model({name!r}, "a model for tests", build)
"""

DATA = """
import numpy as np
from study.plugins import add_data
from trainables.data.base import Dataset, Split

def load(data_dir, download, train_size):
    images, labels = np.zeros((40, 32, 32, 3), np.uint8), np.arange(40) % 2
    classes, val_fraction, test = ("a", "b"), 0.25, Split(images, labels)
    {change}
    return Dataset("mine", classes, Split(images, labels), test, val_fraction)

add_data("mine", "data for tests", load)
"""

SPACE = """
from study.domains import Choice, Float, Int
from study.plugins import add_spaces
from study.spaces import Space

rate = Float(1e-3, 1e-2, default=2e-3, role="nuisance", log=True)
epochs = Int(1, 4, default=2, role="scientific")
add_spaces(Space("mine", "a space for tests", {model!r}, {data!r}, {dimensions}))
"""


pytestmark = pytest.mark.usefixtures("plugins_forgotten")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a plugin's file."""

    def file(source: str, name: str = "mine.py") -> Path:
        (tmp_path / name).write_text(source)
        return tmp_path / name

    return file


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of images as `examples/own_data.py` reads them: two classes, 40x40 pixels."""
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for part, count in (("train", 30), ("test", 10)):
        for side, name in enumerate(("left", "right")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 100, (40, 40, 3))
                pixels[:, 20 * side : 20 * side + 20] += 150
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return root


@pytest.mark.parametrize("example", [OWN_MODEL, OWN_DATA])
def test_the_readme_shows_the_examples_as_they_are(example: Path) -> None:
    source = example.read_text()
    assert len(source.splitlines()) < 30
    assert source.partition('"""\n\n')[2] in (ROOT / "README.md").read_text()


def refused(action: Callable[[], object]) -> str:
    """The one line that an action is refused with."""
    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_is_in_the_tables_and_measured() -> None:
    (plugin,) = plugins.load([OWN_MODEL])
    assert plugin.name == "own_model"
    assert MODELS["mlp"].parameters == 3072 * 128 + 128 + 128 * 10 + 10
    assert MODELS["mlp"].macs == 3072 * 128 + 128 * 10
    assert plugins.load([str(OWN_MODEL), OWN_MODEL]) == (plugin,)


def test_what_uses_a_plugin_has_it_in_its_id_whether_it_was_named_or_not() -> None:
    without = run_id(SearchSpec("tiny"))
    assert "plugins" not in SearchSpec("tiny").to_dict()
    both = plugins.load([OWN_MODEL, OWN_DATA])
    assert run_id(SearchSpec("tiny")) == without
    assert run_id(SearchSpec("tiny", plugins=both)) != without
    assert SearchSpec("mlp").plugins == both[:1]
    assert SearchSpec("tiny", data="folders").plugins == both[1:]
    spec = SearchSpec("mlp", data="folders")
    assert spec.plugins == both
    assert run_id(spec) == run_id(dataclasses.replace(spec, plugins=both[::-1]))
    assert [one["name"] for one in spec.to_dict()["plugins"]] == ["own_data", "own_model"]


def test_a_changed_plugin_is_another_run(write: Callable[..., Path]) -> None:
    path = write(OWN_MODEL.read_text())
    plugins.load([path])
    before = run_id(SearchSpec("mlp"))
    write(OWN_MODEL.read_text().replace("128", "64"))
    plugins.load([path])
    assert MODELS["mlp"].parameters == 3072 * 64 + 64 + 64 * 10 + 10
    assert run_id(SearchSpec("mlp")) != before
    write(OWN_MODEL.read_text())
    plugins.load([path])
    assert run_id(SearchSpec("mlp")) == before
    assert not (path.parent / "__pycache__").exists()  # which an ordinary import would take


def test_where_a_plugin_lies_is_not_in_the_id(write: Callable[..., Path]) -> None:
    plugins.load([OWN_MODEL])
    before = run_id(SearchSpec("mlp"))
    plugins._forget(plugins._LOADED.pop("own_model"))
    plugins.load([write(OWN_MODEL.read_text(), "own_model.py")])
    assert run_id(SearchSpec("mlp")) == before


def test_claims_about_an_own_space_have_the_plugin_in_their_id(write: Callable[..., Path]) -> None:
    from study.claims import CLAIMS, arm

    plugins.load([OWN_MODEL])
    claim = dataclasses.replace(CLAIMS["aug_gap_smaller"], arms=(arm("mlp_aug"), arm("mlp")))
    spec = ExperimentSpec((claim,))
    assert [plugin.name for plugin in spec.plugins] == ["own_model"]
    other = dataclasses.replace(spec.plugins[0], files=(("own_model.py", b""),))
    plugins._LOADED["own_model"] = other
    assert experiment_id(ExperimentSpec((claim,))) != experiment_id(spec)


ELSEWHERE = """
import pickle, sys
from trainables.models import build_model
from trainables.plugins import install
plugins = pickle.loads(sys.stdin.buffer.read())
install(plugins)
print(sum(p.numel() for p in build_model("mlp", 2, seed=0).parameters()))
"""


@pytest.mark.parametrize("name", ["pack", "pack.models", "space.models"])
def test_a_package_travels_whole_to_where_its_files_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Relative and late imports included; `space` is a folder without __init__.py."""
    top = tmp_path / name.split(".")[0]
    (top / "deep").mkdir(parents=True)
    source = OWN_MODEL.read_text().replace("nn.Flatten()", "flat()")
    late = "    from .deep.layers import flat\n\n    layers ="
    if name == "space.models":  # only its own file travels
        source = source.replace("flat()", "nn.Flatten()")
    else:
        source = source.replace("    layers =", late)
        (top / "__init__.py").write_text("from . import models" if name == "pack" else "")
    (top / "models.py").write_text(source)
    (top / "deep" / "__init__.py").write_text("")
    (top / "deep" / "layers.py").write_text("from torch.nn import Flatten as flat")
    monkeypatch.syspath_prepend(tmp_path)
    travelling = plugins.load([name])
    assert len(travelling[0].files) == (1 if name == "space.models" else 4)
    shutil.rmtree(top)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps(travelling),
        capture_output=True,
        cwd=ROOT,
    )
    assert done.stdout.decode().strip() == str(3072 * 128 + 128 + 128 * 2 + 2), done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.py", "--plugin nowhere.py: no such file"),
        ("nowhere_at_all", "--plugin nowhere_at_all: no such module; give one that Python can"),
        ("study.nowhere", "No module named 'study.nowhere'"),
        ("sys", "--plugin sys: it has no Python source"),
        ("colorsys", "plugin colorsys: it registers no model, data set or space"),
    ],
)
def test_what_is_no_plugin_is_refused_in_one_line(given: str, said: str) -> None:
    assert said in refused(lambda: plugins.load([given]))


@pytest.mark.parametrize("name", ["random.py", "my-model.py"])
def test_a_file_that_cannot_be_imported_under_its_name_is_to_be_renamed(
    write: Callable[..., Path], name: str
) -> None:
    path = write(OWN_MODEL.read_text(), name)
    assert "rename the file" in refused(lambda: plugins.load([path]))


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("resnet18", "return None", "model 'resnet18' is registered already: choose another name"),
        ("my model", "return None", "model 'my model': a name is 1 to 40 letters"),
        ("mine", "return None", "the builder must return a torch.nn.Module, got NoneType"),
        ("mine", "return nn.Flatten()", "model 'mine' has no parameter to train"),
        ("mine", "raise KeyError('x')", "model 'mine' cannot be built for 10 classes: KeyError"),
        ("mine", "return nn.Linear(7, classes)", "cannot read 2 images of 32x32 and 10 classes: "),
        (
            "mine",
            "return nn.Sequential(nn.Flatten(), nn.Linear(3072, 64))",
            "the logits of 2 images of 32x32 and 10 classes must be of shape (2, 10), got (2, 64)",
        ),
        (
            "mine",
            "return nn.Sequential(nn.Flatten(), nn.Linear(3072, classes))",
            "its last layer must be a linear one that is called fc",
        ),
        ("mine", "return nn.Module(", "SyntaxError: '(' was never closed (mine.py, line 6)"),
    ],
)
def test_a_model_that_breaks_a_rule_is_refused_in_one_line(
    write: Callable[..., Path], name: str, body: str, said: str
) -> None:
    path = write(MODEL.format(name=name, body=body))
    assert said in refused(lambda: plugins.load([path]))


def test_a_segmentation_model_gives_logits_of_every_pixel(write: Callable[..., Path]) -> None:
    source = MODEL.format(name="mine", body="return nn.Conv2d(3, classes, 1)")
    path = write(source.replace("build)", "build, task='segmentation')"))
    assert "returns {'out': logits}" in refused(lambda: plugins.load([path]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("labels = labels + 1", "mine: labels must lie in 0..1, found 1..2"),
        ("labels = labels.astype(float)", "mine: labels must be int64, found float64"),
        ("images = images / 255", "mine: images must be uint8 (N, H, W, 3), found float64"),
        ("images = images[:, 4:]", "mine: images are (28, 32), registered as (32, 32)"),
        ("images = images[:7]", "mine: 7 images but labels of shape (40,)"),
        ("val_fraction = 0", "without validation images nothing can be chosen"),
        ("classes = ('a',)", "mine: needs two or more classes, found 1"),
        ("return images", "must return a trainables.data.base.Dataset, got ndarray"),
        ("{}['x']", "mine: its loader raised KeyError: 'x'"),
    ],
)
def test_data_that_break_a_rule_are_refused_in_one_line(
    write: Callable[..., Path], change: str, said: str
) -> None:
    plugins.load([write(DATA.format(change=change))])
    assert said in refused(lambda: load_dataset("mine"))


def test_a_loaders_own_mistake_with_a_good_picture_is_its_own(images: Path) -> None:
    """Pillow raises it, too."""

    def load(data_dir: Path, *_: object) -> None:
        Image.open(next(data_dir.rglob("*.png"))).convert("NOPE")

    entry = DataSource("", load, None, (32, 32), takes_directory=True)
    said = refused(lambda: loaded("mine", entry, (images, False, None)))
    assert "its loader raised ValueError: image has wrong mode" in said


def test_a_picture_that_cannot_be_read_is_named(images: Path, tmp_path: Path) -> None:
    shutil.copytree(images, tmp_path / "cut")
    plugins.load([OWN_DATA])
    picture = tmp_path / "cut" / "train" / "left" / "zzz.png"
    whole = (images / "train" / "left" / "0.png").read_bytes()
    cut = "image file is truncated"
    for content, why in ((b"no picture", "UnidentifiedImageError"), (whole[:2_000], cut)):
        picture.write_bytes(content)
        said = refused(lambda: load_dataset("folders", data_dir=tmp_path / "cut"))
        assert f": {picture} is no picture that can be read ({why}" in said
        assert said.endswith("; replace or remove it")
        assert said.count(str(picture)) == 1
    picture.unlink()
    picture.symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(FileNotFoundError):  # the system's own says it all
        load_dataset("folders", data_dir=tmp_path / "cut")


def test_a_folder_without_test_images_suffices_for_a_search(images: Path, tmp_path: Path) -> None:
    shutil.copytree(images / "train", tmp_path / "train")
    plugins.load([OWN_DATA])
    assert load_dataset("folders", data_dir=tmp_path).test is None
    assert load_dataset("folders", data_dir=images).test is not None


def test_the_contracts_can_be_asked_of_it(images: Path) -> None:
    """README's command; without --data-dir it fails and says what is lacking."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "tests/contracts", "-k", "folders"]
    command += ["--plugin", str(OWN_DATA)]
    done, lacking = (
        subprocess.run([*command, *more], capture_output=True, text=True, cwd=ROOT)
        for more in (["--data-dir", str(images)], [])
    )
    assert done.returncode == 0, done.stdout
    assert lacking.returncode == 1
    assert "folders reads a folder" in lacking.stdout


def test_the_hash_is_of_what_was_loaded(write: Callable[..., Path]) -> None:
    plugins.load([write(DATA.format(change="pass"))])
    first = load_dataset("mine")
    plugins.load([write(DATA.format(change="images[0] = 1"))])
    assert len(first.content_hash) == 64
    assert load_dataset("mine").content_hash != first.content_hash


def test_an_experiment_needs_test_images_and_a_model_that_reads_them(
    write: Callable[..., Path],
) -> None:
    plugins.load([write(DATA.format(change="test = None"))])
    asked = {"data": "mine", "data_dir": None, "download": False, "train_size": None}
    asked |= {"image_size": None, "with_test": True, "split_seed": 0, "models": ["cnn"]}
    request = SimpleNamespace(**asked)
    notes: list[str] = []
    assert "mine has no test images" in refused(lambda: read(request, notes.append))
    request.with_test = False
    assert read(request, notes.append).test is None
    source = DATA.format(change="images, test = np.zeros((40, 48, 48, 3), np.uint8), None")
    plugins.load([write(source.replace("load)", "load, image_size=(48, 48))"))])
    said = refused(lambda: read(request, notes.append))
    assert "model 'cnn' cannot read 2 images of 48x48 and 2 classes" in said
    require_fits("tiny", 2, 48, 48)


@pytest.mark.parametrize(
    ("model", "data", "dimensions", "said"),
    [
        ("tine", "uci_digits", "{}", "unknown model of space 'mine': 'tine': did you mean tiny?"),
        ("tiny", "uci_digit", "dict(learning_rate=rate, epochs=epochs)", "did you mean uci_digits"),
        ("tiny", "voc", "dict(learning_rate=rate, epochs=epochs)", "voc is for segmentation, not"),
        ("tiny", "uci_digits", "dict(learning_rate=rate)", "missing training option 'epochs'"),
        (
            *("tiny", "uci_digits", "dict(learning_rate=rate, epochs=epochs, momentum=rate)"),
            "space 'mine': unknown training option 'momentum'",
        ),
        (
            *("tiny", "uci_digits", "dict(learning_rate=rate, epochs=Choice((1, 2), 1, 'fixed'))"),
            "its dimension epochs must be an Int",
        ),
        (
            *("tiny", "uci_digits", "dict(learning_rate=rate, epochs=Int(0, 4, 2, 'fixed'))"),
            "epochs must be a whole number",
        ),
    ],
)
def test_a_space_that_breaks_a_rule_is_refused_in_one_line(
    write: Callable[..., Path], model: str, data: str, dimensions: str, said: str
) -> None:
    path = write(SPACE.format(model=model, data=data, dimensions=dimensions))
    assert said in refused(lambda: plugins.load([path]))


def test_a_folder_that_has_to_be_named_is_asked_for(tmp_path: Path) -> None:
    asked = {"plugins": [OWN_DATA], "data": "folders", "storage": tmp_path}
    assert "name it with --data-dir" in refused(lambda: explore("tiny", **asked))
    assert list(tmp_path.iterdir()) == []


def test_list_shows_what_plugins_have(capsys: pytest.CaptureFixture[str]) -> None:
    main.main([*EXAMPLES, "--list"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "mlp_aug  a perceptron, augmented" in shown
    assert "model mlp (394,634 parameters)" in shown
    assert "images in a folder a class" in shown


def test_an_own_model_is_searched_on_own_data(images: Path, tmp_path: Path) -> None:
    asked = ("--space", "mlp_aug", "--data", "folders", "--data-dir", str(images))
    asked += ("--trials", "2", "--max-epochs", "2", "--scheduler", "none")
    asked += ("--storage", str(tmp_path), "--json")
    told = last_json(run(*EXAMPLES, *asked))
    assert told["counts"] == {"completed": 2}
    manifest = records.read_manifest(Path(told["run_dir"]))
    loaded = plugins.load([OWN_DATA, OWN_MODEL])
    assert manifest.spec["plugins"] == [plugin.to_dict() for plugin in loaded]
    page = (Path(told["run_dir"]) / "report" / "index.html").read_text()
    assert f"own_model, SHA-256 {loaded[1].sha256}" in page


CLAIM = """
[[claim]]
id = "mlp_beats_aug_short"
sentence = "Trained briefly, the perceptron reads more without augmentation."
decided_by = "paired_difference"
arms = ["mlp", "mlp_aug"]
metric = "test_accuracy"
direction = "higher"
budgets = [1]
smallest_effect = 0.02
seeds = 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_own_model_is_tested_on_own_data_and_reported_without_the_plugin(
    images: Path, tmp_path: Path, workers: int
) -> None:
    (tmp_path / "claims.toml").write_text(CLAIM)
    asked = ("--claims", str(tmp_path / "claims.toml"), "--no-tune", "--storage", str(tmp_path))
    asked += ("--data", "folders", "--data-dir", str(images), "--json")
    asked += ("--workers-per-trial", str(workers))
    told = last_json(run(*EXAMPLES, *asked, module="study.confirm"))
    assert told["counts"] == {"completed": 4}
    again = run(told["run_dir"], "--out", str(tmp_path / "again"), module="analysis.report")
    assert again.returncode == 0, again.stderr
    assert "mlp (augmented" in (tmp_path / "again" / "index.html").read_text()
