"""Runs rknn-toolkit2 for the converter: jobs come as JSON lines on descriptor 3, events go out on descriptor 4.

The toolkit writes hundreds of kilobytes of progress bars on standard output; descriptors 1 and 2 are a log
file's. When descriptor 3 closes, the converter is gone, and this process ends at once, also in the middle of a job.

Job:   {"id", "onnx", "output", "target", "quantize", "calibration": [npy], "inputs": [raw], "outputs": [raw],
        "shape": [1, tokens, hidden]}
Event: {"event": "ready", "toolkit", "python"} | {"event": "phase", "id", "phase"}
       | {"event": "done", "id", "seconds", "peak_rss_bytes"} | {"event": "failed", "id", "message"}
"""

import json
import os
import platform
import queue
import resource
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# Fusions that undo the query tiling, of the kinds the original system turned off.
DISABLED_RULES = [
    "fuse_matmul_add_mul_softmax_matmul_to_sdpa",
    "fuse_exmatmul_add_mul_exsoftmax13_exmatmul_to_sdpa",
    "convert_softmax_to_exsoftmax13",
    "fuse_exmatmul_mul",
    "replace_channel_shuffle_by_conv",
    # Fails in 2.5.0 on the query chunks: "'split' object is not iterable".
    "reduce_reshape_op_around_split",
]


class JobFailed(Exception):
    pass


def main():
    jobs = queue.Queue()
    threading.Thread(target=read_jobs, args=(jobs,), daemon=True).start()
    events = os.fdopen(4, "w", encoding="utf-8")

    def tell(event, **fields):
        events.write(json.dumps(dict(fields, event=event)) + "\n")
        events.flush()

    try:
        toolkit = load_toolkit()
    except Exception as error:  # whatever the environment lacks
        tell("failed", id=None, message="rknn-toolkit2 does not load: %s" % error)
        return 1
    tell("ready", toolkit=toolkit_version(), python=platform.python_version())
    while True:
        job = jobs.get()
        started = time.monotonic()
        try:
            run_job(toolkit, job, lambda phase: tell("phase", id=job["id"], phase=phase))
        except Exception as error:
            # The toolkit puts its whole traceback into the message: the last line says what it was.
            told = [line for line in str(error).splitlines() if line.strip()] or [""]
            tell("failed", id=job["id"], message="%s: %s" % (type(error).__name__, told[-1]))
            continue
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        tell("done", id=job["id"], seconds=time.monotonic() - started, peak_rss_bytes=peak)


def read_jobs(jobs):
    with os.fdopen(3, "r", encoding="utf-8") as lines:
        for line in lines:
            jobs.put(json.loads(line))
    os._exit(0)


def load_toolkit():
    import torch_stand_in

    torch_stand_in.install()
    from rknn.api import RKNN

    return RKNN


def toolkit_version():
    try:
        from importlib.metadata import version
    except ImportError:
        return "unknown"
    return version("rknn-toolkit2")


def run_job(toolkit, job, phase):
    import numpy

    # The toolkit leaves check files in the working folder.
    with tempfile.TemporaryDirectory(prefix="smolvlm-convert-") as scratch:
        os.chdir(scratch)
        rknn = toolkit(verbose=False)
        try:
            phase("load")
            check(
                "config",
                rknn.config(
                    target_platform=job["target"],
                    optimization_level=0,
                    float_dtype="float16",
                    quantized_dtype="w8a8",
                    disable_rules=DISABLED_RULES,
                ),
            )
            check("load_onnx", rknn.load_onnx(model=job["onnx"]))
            phase("build")
            if job["quantize"]:
                with open("dataset.txt", "w", encoding="utf-8") as dataset:
                    dataset.writelines(path + "\n" for path in job["calibration"])
                check("build", rknn.build(do_quantization=True, dataset="dataset.txt"))
            else:
                check("build", rknn.build(do_quantization=False))
            phase("export")
            check("export_rknn", rknn.export_rknn(job["output"]))
            if job["inputs"]:
                phase("simulate")
                check("init_runtime", rknn.init_runtime())
            for source, target in zip(job["inputs"], job["outputs"]):
                values = numpy.fromfile(source, dtype=numpy.float32).reshape(job["shape"])
                outputs = rknn.inference(inputs=[values])
                if not outputs:
                    raise JobFailed("inference gave no output")
                numpy.asarray(outputs[0], dtype=numpy.float32).tofile(target)
        finally:
            rknn.release()
            os.chdir("/")


def check(call, status):
    if status not in (None, 0):
        raise JobFailed("%s gave %r; the log has the toolkit's own words" % (call, status))


if __name__ == "__main__":
    sys.exit(main())
