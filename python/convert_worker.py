"""Runs rknn-toolkit2 for the converter: reads jobs as JSON lines from descriptor 3, writes events to descriptor 4.

The toolkit writes hundreds of kilobytes of progress bars to standard output; descriptors 1 and 2 are a log
file. It also leaves check files in the working folder, a temporary folder of this process. When
descriptor 3 closes, the converter has ended: this process removes that folder and exits, even in the middle of a job.

A finished .rknn file cannot be simulated, only the model it was built from, so models are kept until released.

Jobs:   {"id", "do": "build", "model", "onnx", "output", "target", "quantize", "calibration": [npy],
         "quantizedDtype", "disabledRules"} (what differs between releases of the toolkit)
        {"id", "do": "simulate", "model", "input": raw, "output": raw, "shape": [1, tokens, hidden]}
        {"id", "do": "release", "model"}
Events: {"event": "ready", "toolkit", "python"} | {"event": "done", "id", "seconds", "peak_rss_bytes"}
        | {"event": "failed", "id", "message"}
"""

import json
import os
import platform
import queue
import resource
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class JobFailed(Exception):
    pass


def main():
    jobs = queue.Queue()
    threading.Thread(target=read_jobs, args=(jobs,), daemon=True).start()
    events = os.fdopen(4, "w", encoding="utf-8")

    def emit(event, **fields):
        events.write(json.dumps(dict(fields, event=event)) + "\n")
        events.flush()

    try:
        toolkit = load_toolkit()
    except Exception as error:  # whatever the environment lacks
        emit("failed", id=None, message="rknn-toolkit2 cannot be loaded: %s" % error)
        return 1
    emit("ready", toolkit=toolkit_version(), python=platform.python_version())
    models = {}
    while True:
        job = jobs.get()
        started = time.monotonic()
        try:
            run_job(toolkit, models, job)
        except Exception as error:
            # The toolkit puts a whole traceback into the message: the last line is the error.
            lines = [line for line in str(error).splitlines() if line.strip()] or [""]
            emit("failed", id=job["id"], message="%s: %s" % (type(error).__name__, lines[-1]))
            continue
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        emit("done", id=job["id"], seconds=time.monotonic() - started, peak_rss_bytes=peak)


def read_jobs(jobs):
    with os.fdopen(3, "r", encoding="utf-8") as lines:
        for line in lines:
            jobs.put(json.loads(line))
    remove_scratch(os.getcwd())
    os._exit(0)


def remove_scratch(folder):
    # When started by hand, this program may run in any folder.
    if os.path.basename(folder).startswith("smolvlm-toolkit-"):
        shutil.rmtree(folder, ignore_errors=True)


def load_toolkit():
    import torch_stand_in

    torch_stand_in.install()
    from rknn.api import RKNN

    return RKNN


def toolkit_version():
    from importlib.metadata import version

    return version("rknn-toolkit2")


class Model:
    """A built model, ready for the simulator."""

    def __init__(self, rknn):
        self.rknn = rknn
        self.simulating = False

    def simulate(self, values):
        if not self.simulating:
            check("init_runtime", self.rknn.init_runtime())
            self.simulating = True
        outputs = self.rknn.inference(inputs=[values])
        if not outputs:
            raise JobFailed("inference returned no output")
        return outputs[0]


def run_job(toolkit, models, job):
    if job["do"] == "build":
        release(models, job["model"])
        models[job["model"]] = build(toolkit, job)
    elif job["do"] == "simulate":
        simulate(models[job["model"]], job)
    else:
        release(models, job["model"])


def build(toolkit, job):
    rknn = toolkit(verbose=False)
    try:
        check(
            "config",
            rknn.config(
                target_platform=job["target"],
                optimization_level=0,
                float_dtype="float16",
                quantized_dtype=job["quantizedDtype"],
                disable_rules=job["disabledRules"],
            ),
        )
        check("load_onnx", rknn.load_onnx(model=job["onnx"]))
        if job["quantize"]:
            write_dataset(job["calibration"])
            check("build", rknn.build(do_quantization=True, dataset="dataset.txt"))
        else:
            check("build", rknn.build(do_quantization=False))
        check("export_rknn", rknn.export_rknn(job["output"]))
    except Exception:
        rknn.release()
        raise
    return Model(rknn)


def write_dataset(paths):
    # The toolkit takes a space in a line for the end of a path: links without one lead to the files.
    with open("dataset.txt", "w", encoding="utf-8") as dataset:
        for index, path in enumerate(paths):
            link = "calibration-%d.npy" % index
            if os.path.lexists(link):
                os.remove(link)
            os.symlink(path, link)
            dataset.write(link + "\n")


def simulate(model, job):
    import numpy

    values = numpy.fromfile(job["input"], dtype=numpy.float32).reshape(job["shape"])
    numpy.asarray(model.simulate(values), dtype=numpy.float32).tofile(job["output"])


def release(models, name):
    model = models.pop(name, None)
    if model is not None:
        model.rknn.release()


def check(call, status):
    if status not in (None, 0):
        raise JobFailed("%s returned %r; the toolkit's own message is in the log" % (call, status))


if __name__ == "__main__":
    sys.exit(main())
