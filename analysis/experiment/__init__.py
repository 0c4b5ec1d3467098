"""What the report shows of a controlled experiment: verdicts, systems, diagnostics, limits."""
