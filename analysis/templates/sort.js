// Column headers become buttons that sort their table; without scripts it stays as it is.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = cell.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => row.cells[column].textContent
        .replace("\u2212", "-").replace(/^[<≤≥] /, "").replace(/,(?=\d{3}\b)/g, "");
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], [p, q] = [parseFloat(x), parseFloat(y)];
        if (isNaN(p) !== isNaN(q)) return isNaN(p) ? 1 : -1;
        return (isNaN(p) ? x.localeCompare(y) : p - q) * (up ? 1 : -1);
      });
      body.append(...rows);
    });
  });
}
