"""Answers `import torch` with empty modules.

rknn-toolkit2 imports PyTorch when it is loaded, but converting an ONNX graph never calls it. Without it the
environment is a ninth of the size. If a real PyTorch is installed, it is used.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types


class _Name:
    """Stands for a class or function of PyTorch: usable as a decorator, a base class or a value, nothing else."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return _Name()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name()


class _Module(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (_Name,), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] not in ("torch", "torchvision"):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        module = _Module(spec.name)
        module.__version__ = "2.4.0"
        return module

    def exec_module(self, module):
        pass


def install():
    """Installs the stand-in unless PyTorch is installed."""
    if importlib.util.find_spec("torch") is None:
        sys.meta_path.append(_Finder())
