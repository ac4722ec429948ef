"""The normal form of an executed notebook: what would differ between two runs of the same cells is taken out."""

import base64
import io
import re
import struct
from collections.abc import Sequence

import numpy as np
from nbformat import NotebookNode

__all__ = ["KERNEL", "merge_streams", "normalise", "same_picture", "standard_error", "strip_png_text"]

LIVE_TYPES = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
VOLATILE_METADATA = ("execution", "papermill", "ExecuteTime", "widgets")
PICTURE_SOURCE = re.compile(r'(src="data:image/png;base64,)[^"]*')
MUCH_SMALLER = 0.75  # so that what another version of zlib gains changes no file
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")


def normalise(notebook: NotebookNode, stored: NotebookNode | None = None) -> NotebookNode:
    """Bring an executed notebook into normal form, in place, and return it.

    Counts run from 1; the metadata names the kernel and nothing of this machine; consecutive pieces of one stream are
    one; widget state is gone; pictures carry no text chunks, and keep the stored bytes where no pixel
    changed.

    Args:
        notebook: the executed notebook.
        stored: the notebook as it was before, whose unchanged pictures are kept.
    """
    for name in VOLATILE_METADATA:
        notebook.metadata.pop(name, None)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = {"name": "python"}
    before = {cell["id"]: cell for cell in stored.cells} if stored else {}
    count = 0
    for cell in notebook.cells:
        for name in VOLATILE_METADATA:
            cell.metadata.pop(name, None)
        if cell.cell_type != "code":
            continue
        if cell.source.strip():
            count += 1
            cell.execution_count = count
        else:
            cell.execution_count, cell.outputs = None, []
        cell.outputs = [clean for clean in map(_clean_output, merge_streams(cell.outputs)) if clean]
        for output in cell.outputs:
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
        _keep_pictures(cell.outputs, before.get(cell["id"], {}).get("outputs", []))
    return notebook


def merge_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs with consecutive pieces of the same stream joined; where they are cut is timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            merged.append(output)
    return merged


def standard_error(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Return (code cell number, first line) of each output to standard error."""
    found, number = [], 0
    for cell in notebook.cells:
        number += cell.cell_type == "code" and bool(cell.source.strip())
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream" and output["name"] == "stderr":
                found.append((number, output["text"].strip().partition("\n")[0]))
    return found


def strip_png_text(png: bytes) -> bytes:
    """Return a PNG's bytes without its text, date and camera chunks.

    Raises:
        ValueError: the bytes are not a PNG.
    """
    if not png.startswith(PNG_SIGNATURE):
        raise ValueError("png must be the bytes of a PNG picture, got something else; encode it as PNG")
    kept, place = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while place + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        end = place + length + 12  # length, type, data, checksum
        if kind not in PNG_TEXT_CHUNKS:
            kept.append(png[place:end])
        place = end
    return b"".join(kept)


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two PNGs show the same picture, pixel by pixel."""
    from PIL import Image

    first, second = (np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")) for png in (one, other))
    return np.array_equal(first, second)


def _clean_output(output: NotebookNode) -> NotebookNode | None:
    if output["output_type"] not in ("display_data", "execute_result"):
        return output
    output.pop("transient", None)
    data = output["data"]
    if any(kind in data for kind in LIVE_TYPES):
        return None
    if "image/png" in data:
        _put_picture(data, strip_png_text(base64.b64decode(data["image/png"])))
    return output


def _keep_pictures(outputs: Sequence[NotebookNode], stored: Sequence[NotebookNode]) -> None:
    """Put back the stored bytes of each picture, in order, that did not change."""
    old = [output["data"]["image/png"] for output in stored if "image/png" in output.get("data", {})]
    new = [output["data"] for output in outputs if "image/png" in output.get("data", {})]
    for data, kept in zip(new, old, strict=False):
        stored_png = base64.b64decode(kept)
        if stored_png.startswith(PNG_SIGNATURE) and same_picture(base64.b64decode(data["image/png"]), stored_png):
            fresh, kept = base64.b64decode(data["image/png"]), strip_png_text(stored_png)
            _put_picture(data, fresh if len(fresh) < MUCH_SMALLER * len(kept) else kept)


def _put_picture(data: NotebookNode, png: bytes) -> None:
    """Put a picture into an output, and into the HTML that carries its words."""
    data["image/png"] = base64.b64encode(png).decode("ascii")
    if "text/html" in data:
        data["text/html"] = PICTURE_SOURCE.sub(rf"\g<1>{data['image/png']}", data["text/html"])
