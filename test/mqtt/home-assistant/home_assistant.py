"""A Home Assistant with nothing but its MQTT integration, for tests.

Arguments: port of the broker, protocol ("3.1.1" or "5"), a free port for its own HTTP server, a folder.
Prints one JSON object a line: {"entity", "state", "attributes"} at each change of state, {"log"} for each
warning or error, {"ready": true} once discovery listens, {"image"} with the SHA-256 of a picture asked for.
Reads one JSON object a line: {"press": entity} or {"image": entity}; ends with its standard input.
"""

import asyncio
import hashlib
import json
import logging
import sys
from pathlib import Path

from homeassistant import bootstrap, config_entries, core, loader
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.setup import async_setup_component


def say(document):
    print(json.dumps(document, default=str), flush=True)


class Reporter(logging.Handler):
    def emit(self, record):
        say({"log": record.getMessage(), "logger": record.name, "level": record.levelname})


async def set_up(mqtt_port, protocol, http_port, folder):
    (Path(folder) / "configuration.yaml").touch()
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    await async_process_ha_core_config(hass, {})
    http = {"http": {"server_port": http_port, "server_host": "127.0.0.1"}}
    for domain in ("homeassistant", "http"):
        assert await async_setup_component(hass, domain, http), domain
    hass.bus.async_listen(EVENT_STATE_CHANGED, report)
    await hass.config_entries.async_add(
        config_entries.ConfigEntry(
            version=1,
            minor_version=2,
            domain="mqtt",
            title="broker",
            data={"broker": "127.0.0.1", "port": mqtt_port, "protocol": protocol},
            options={},
            source="user",
            unique_id=None,
            discovery_keys={},
            subentries_data=[],
        )
    )
    await hass.async_start()
    return hass


@core.callback
def report(event):
    state = event.data["new_state"]
    if state is not None:
        say({"entity": state.entity_id, "state": state.state, "attributes": dict(state.attributes)})


async def obey(hass, line):
    command = json.loads(line)
    if "press" in command:
        await hass.services.async_call("button", "press", {"entity_id": command["press"]}, blocking=True)
    if "image" in command:
        entity = hass.data["image"].get_entity(command["image"])
        picture = await entity.async_image()
        say({"image": hashlib.sha256(picture or b"").hexdigest(), "type": entity.content_type})


async def main(mqtt_port, protocol, http_port, folder):
    logging.basicConfig(level=logging.WARNING, handlers=[Reporter()])
    hass = await set_up(int(mqtt_port), protocol, int(http_port), folder)
    say({"ready": True})
    while line := await hass.loop.run_in_executor(None, sys.stdin.readline):
        await obey(hass, line)
    await hass.async_stop(force=True)


asyncio.run(main(*sys.argv[1:]))
