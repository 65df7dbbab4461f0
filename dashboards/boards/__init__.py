"""The four boards. Each module has one `board()`; what they share (queries, panels, variables) is in modules of its own."""

from . import backend_tls, controller, overview, runtime

ALL = {
    "overview": overview.board,
    "backend-tls": backend_tls.board,
    "controller": controller.board,
    "runtime": runtime.board,
}
