"""Open ONNX files of unknown origin with onnxruntime, which only this module imports."""

from typing import Any

from geosal.errors import SceneError, UsageError
from geosal.files.atomic import open_plain
from geosal.sources.network.outside import outside_file

_MAX_BYTES = 2**30


def open_session(content: bytes, name: str, *, needs: str, mend: str) -> Any:
    """Make a session of onnxruntime; any thread may run it, each call on one thread: the same bits each time.

    Parameters
    ----------
    content
        The model's bytes.
    name
        What messages call it.
    needs
        What needs onnxruntime, and how to install it.
    mend
        Where a good model comes from.

    Raises
    ------
    UsageError
        onnxruntime is not installed.
    SceneError
        It is no model, or keeps weights in another file.
    """
    try:
        import onnxruntime  # an extra: only networks need it
    except ImportError as error:
        raise UsageError(needs) from error
    try:
        place = outside_file(content)
    except ValueError as error:
        raise SceneError(f"{name}: is no ONNX model ({error}); {mend}") from error
    if place is not None:
        raise SceneError(
            f"{name}: keeps weights in another file ({place!a:.80}), and a model is read from its own alone; save it "
            "as one: onnx.save(onnx.load(OLD), NEW)"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False  # plans for one size; edges of scenes have others
    options.add_session_config_entry("session.load_model_format", "ONNX")  # not its own, which was not looked into
    try:
        # A fallback would be the same provider again, and it prints.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime's own types, one for each reason
        raise SceneError(f"{name}: is no ONNX model ({first_line(error)}); {mend}") from error


def read_model(path: str) -> bytes:
    """Read a model's file, which is no larger than any that makes sense.

    Raises
    ------
    SceneError
        It cannot be read, or is too large.
    """
    try:
        with open_plain(path) as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SceneError(f"{path}: the model cannot be read: {error.strerror}; give an ONNX file") from error
    if len(text) > _MAX_BYTES:
        raise SceneError(f"{path}: a model of more than {_MAX_BYTES} bytes; give a smaller one")
    return text


def first_line(error: Exception) -> str:
    """Return what an error of onnxruntime says, short and in one line."""
    return " ".join(str(error).split())[:200]
