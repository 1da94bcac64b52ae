"""Exports a checkpoint's language model with the vendor's rkllm-toolkit, which is not on any package index.

One argument: the job as JSON. Writes events as JSON lines to descriptor 4; descriptors 1 and 2 are a log file.

Job:    {"model": checkpoint folder, "output": .rkllm file, "target", "cores", "dataset": json file, "max_context"}
Events: {"event": "toolkit", "version"} | {"event": "phase", "phase"} | {"event": "done"}
        | {"event": "missing", "message"} | {"event": "failed", "message"}
"""

import json
import os
import sys


def main():
    job = json.loads(sys.argv[1])
    events = os.fdopen(4, "w", encoding="utf-8")

    def emit(event, **fields):
        events.write(json.dumps(dict(fields, event=event)) + "\n")
        events.flush()

    try:
        from rkllm.api import RKLLM
    except ImportError as error:
        emit("missing", message=str(error))
        return 0
    emit("toolkit", version=toolkit_version())
    try:
        export(RKLLM(), job, lambda phase: emit("phase", phase=phase))
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        emit("failed", message="%s: %s" % (type(error).__name__, lines[-1]))
        return 0
    emit("done")
    return 0


def export(llm, job, phase):
    phase("load")
    check("load_huggingface", llm.load_huggingface(model=job["model"], device="cpu"))
    phase("build")
    check(
        "build",
        llm.build(
            do_quantization=True,
            # According to the vendor's benchmark notes, level 0 is faster.
            optimization_level=0,
            # Grouped variants need output widths that are multiples of the group size: 576 is not a multiple of 128.
            quantized_dtype="w8a8",
            quantized_algorithm="normal",
            target_platform=job["target"],
            num_npu_core=job["cores"],
            dataset=job["dataset"],
            max_context=job["max_context"],
        ),
    )
    phase("export")
    check("export_rkllm", llm.export_rkllm(job["output"]))


def check(call, status):
    if status not in (None, 0):
        raise RuntimeError("%s returned %r; the toolkit's own message is in the log" % (call, status))


def toolkit_version():
    from importlib import metadata

    try:
        return metadata.version("rkllm-toolkit")
    except metadata.PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
