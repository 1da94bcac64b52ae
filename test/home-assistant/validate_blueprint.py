"""Reads a blueprint as Home Assistant does, fills in its inputs, and validates the automation that results."""

import asyncio
import json
import sys

from homeassistant.components.automation import config as automation
from homeassistant.components.blueprint.models import Blueprint, BlueprintInputs
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame
from homeassistant.util.yaml import load_yaml


async def main() -> None:
    path, folder, inputs = sys.argv[1:]
    frame.async_setup(HomeAssistant(folder))
    blueprint = Blueprint(
        load_yaml(path), path="x.yaml", expected_domain="automation", schema=automation.AUTOMATION_BLUEPRINT_SCHEMA
    )
    use = {"use_blueprint": {"path": "x.yaml", "input": json.loads(inputs)}, "alias": "test"}
    filled = BlueprintInputs(blueprint, use)
    filled.validate()
    config = automation.PLATFORM_SCHEMA(filled.async_substitute())
    print(json.dumps({"errors": blueprint.validate(), "parts": sorted(config)}))


asyncio.run(main())
