"""Runs a model in a client of librknnrt that others wrote. usage: foreign_client.py CLIENT MODEL INPUT DTYPE SHAPE OUTPUT

INPUT and OUTPUT are files of numbers without a header; the output is float32. It is run once with each core mask, which must not
change it. The last line is JSON: the client's version, and the masks.
"""

import json
import sys
from importlib.metadata import version

import numpy


def with_toolkit_lite(model, value):
    from rknnlite.api import RKNNLite

    masks = {name: getattr(RKNNLite, f"NPU_CORE_{name}") for name in ("AUTO", "0", "1", "2", "0_1", "0_1_2", "ALL")}
    for name, mask in masks.items():
        client = RKNNLite(verbose=False)
        assert client.load_rknn(model) == 0, "load_rknn"
        assert client.init_runtime(core_mask=mask) == 0, f"init_runtime with core mask {name}"
        (output,) = client.inference(inputs=[value])
        yield name, output
        client.release()


def with_ez_rknn(model, value):
    from ztu_somemodelruntime_ez_rknn_async import InferenceSession

    with open(model, "rb") as file:
        given = {"a path": model, "bytes": file.read()}
    for mask in ("auto", "0", "1", "2", "0,1", "0,1,2", "all"):
        for how, source in given.items():
            if how == "bytes" and mask != "auto":
                continue
            session = InferenceSession(source, provider_options={"tp_mode": mask, "layout": "nhwc"})
            (output,) = session.run(None, {session.get_inputs()[0].name: value})
            yield f"{mask} from {how}", output
            del session


def main(client, model, source, dtype, shape, target):
    package, run = {
        "rknn-toolkit-lite2": ("rknn-toolkit-lite2", with_toolkit_lite),
        "ez-rknn-async": ("ztu_somemodelruntime_ez_rknn_async", with_ez_rknn),
    }[client]
    value = numpy.fromfile(source, dtype=dtype).reshape([int(size) for size in shape.split(",")])
    first, masks = None, []
    for mask, output in run(model, value):
        masks.append(mask)
        output = numpy.asarray(output, dtype=numpy.float32)
        if first is None:
            first = output
        assert numpy.array_equal(output, first), f"core mask {mask} changes the output"
    first.tofile(target)
    print(json.dumps({"version": version(package), "masks": masks}))


main(*sys.argv[1:])
