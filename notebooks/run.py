"""Runs the notebooks headless and keeps their outputs in them.

What changes from one run to the next (times, counters) is left out, so that the same results give the same files.
A notebook that fails, grows too large, or names a folder of this machine ends the run with a sentence.
"""

import pathlib
import sys
import tempfile

import nbclient
import nbformat

HERE = pathlib.Path(__file__).parent.resolve()
MOST_BYTES = 1_000_000


def plain(notebook: nbformat.NotebookNode) -> None:
    """Leave out what no reader looks at."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        # What a program said on the way (warnings of a typeface cache, say) is not part of the answer.
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def run(path: pathlib.Path) -> str | None:
    """Run one; what is wrong with it, if anything."""
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(HERE)}})
    # Through socket files in a folder that only this user can open, not ports.
    with tempfile.TemporaryDirectory() as sockets:
        manager = client.create_kernel_manager()
        manager.transport, manager.ip = "ipc", f"{sockets}/kernel"
        try:
            client.execute()
        except nbclient.exceptions.CellExecutionError as fault:
            return f"{path.name}: {fault}"
    plain(notebook)
    text = nbformat.writes(notebook)
    if len(text) > MOST_BYTES:
        return f"{path.name} has {len(text)} bytes; draw less, at most {MOST_BYTES} are kept"
    named = [p for p in (str(HERE.parent), str(pathlib.Path.home()) + "/") if len(p) > 1 and p in text]
    if named:
        return f"{path.name} names a folder of this machine ({named[0]}) in its outputs"
    shown = [o.get("data", {}) for cell in notebook.cells for o in cell.get("outputs", [])]
    pictures = sum("image/png" in data or "image/jpeg" in data for data in shown)
    if not pictures:
        return f"{path.name} draws nothing"
    path.write_text(text + "\n")
    print(f"{path.name}: {len(notebook.cells)} cells, {pictures} plots, {len(text) // 1024} KiB")
    return None


faults = [fault for path in sorted(HERE.glob("*.ipynb")) if (fault := run(path))]
sys.exit("\n".join(faults) if faults else 0)
