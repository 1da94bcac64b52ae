"""Runs the automations of the notification blueprint in a Home Assistant with a camera's entities and a phone.

Arguments: the blueprint's file, an empty folder. Prints a JSON object: for each automation the notifications and
presses of "Describe now" in their order. The phone's integration is mobile_app's own device action, read from the
package; its notify service only keeps what it is told.
"""

import asyncio
import importlib.util
import json
import shutil
import sys
import types
from pathlib import Path

from homeassistant import bootstrap, components, config_entries, core, loader
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import device_registry
from homeassistant.setup import async_setup_component

WEBHOOK = "phone-webhook"
PICTURE = "image.front_porch_picture"
CAPTION = "sensor.front_porch_caption"
BUTTON = "button.front_porch_describe_now"


def give_phone(folder):
    """mobile_app without what only a real phone needs: its encryption (PyNaCl) and Home Assistant's cloud."""
    place = folder / "custom_components" / "mobile_app"
    place.mkdir(parents=True)
    own = Path(importlib.util.find_spec("homeassistant.components").submodule_search_locations[0]) / "mobile_app"
    for name in ("device_action.py", "util.py", "const.py"):
        shutil.copy(own / name, place / name)
    (folder / "custom_components" / "__init__.py").touch()
    (place / "config_flow.py").touch()
    (place / "__init__.py").write_text("async def async_setup_entry(hass, entry):\n    return True\n")
    manifest = {"domain": "mobile_app", "name": "Phone", "version": "1.0.0", "dependencies": [], "codeowners": []}
    (place / "manifest.json").write_text(json.dumps(manifest))
    cloud = types.ModuleType("homeassistant.components.cloud")
    sys.modules[cloud.__name__] = components.cloud = cloud


async def set_up(folder):
    (folder / "configuration.yaml").touch()
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    await async_process_ha_core_config(hass, {})
    assert await async_setup_component(hass, "homeassistant", {})
    entry = config_entries.ConfigEntry(
        version=1, minor_version=1, domain="mobile_app", title="phone", data={}, options={}, source="user",
        unique_id=None, discovery_keys={}, subentries_data=[],
    )
    await hass.config_entries.async_add(entry)
    devices = device_registry.async_get(hass)
    phone = devices.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("mobile_app", "phone")})
    hass.data["mobile_app"] = {
        "devices": {WEBHOOK: phone},
        "config_entries": {WEBHOOK: entry},
        "notify": types.SimpleNamespace(registered_targets={"mobile_app_phone": WEBHOOK}),
    }
    return hass, phone.id


class Automation:
    """One automation of the blueprint, with nothing else that reacts to the camera."""

    def __init__(self, hass, told):
        self.hass = hass
        self.told = told
        self.shown = 0

    def show(self, caption):
        """A new picture and its caption, as MQTT discovery publishes them."""
        self.shown += 1
        self.hass.states.async_set(CAPTION, caption[:255], {"text": caption})
        picture = {"entity_picture": f"/api/image_proxy/{PICTURE}?n={self.shown}"}
        self.hass.states.async_set(PICTURE, f"2026-11-27T12:00:{self.shown:02}+00:00", picture)

    def ask_again(self):
        action = {"action": "SMOLVLM_ASK_IMAGE_FRONT_PORCH_PICTURE"}
        self.hass.bus.async_fire("mobile_app_notification_action", action)

    async def until(self, count, again=lambda: None):
        """Until so much was told; what comes out of order shows in the result.

        `again` repeats an event that the automation misses if it is not waiting for it yet.
        """
        async with asyncio.timeout(60):
            while len(self.told) < count:
                await asyncio.sleep(0.01)
                if len(self.told) < count:
                    again()


async def cooldown(home):
    home.show("A parcel lies on the porch.")
    await home.until(1)
    home.show("While the cooldown runs.")
    await home.until(2, home.ask_again)
    await home.until(3, lambda: home.show("The parcel is gone."))


async def quiet_hours(home):
    home.show("In the night.")
    await home.until(1, home.ask_again)
    await home.until(2, lambda: home.show("Somebody asked."))


async def words(home):
    home.show("A black cat.")
    home.show("A PERSON at the door.")
    await home.until(1)


SCENES = {
    "cooldown": (cooldown, {"title": "Front porch", "page": "/lovelace/cameras"}),
    "quietHours": (quiet_hours, {"use_quiet_hours": True, "quiet_from": "00:00:00", "quiet_until": "23:59:59"}),
    "words": (words, {"words": "parcel, person"}),
}


async def run(name, folder, blueprint):
    folder.mkdir()
    give_phone(folder)
    place = folder / "blueprints" / "automation" / "smolvlm"
    place.mkdir(parents=True)
    shutil.copy(blueprint, place / "notification.yaml")
    hass, phone = await set_up(folder)
    told = []

    @core.callback
    def notify(call):
        told.append({"notify": call.data})

    @core.callback
    def press(call):
        told.append({"press": call.data["entity_id"]})

    hass.services.async_register("notify", "mobile_app_phone", notify)
    hass.services.async_register("button", "press", press)
    hass.states.async_set(CAPTION, "before")
    hass.states.async_set(PICTURE, "2026-11-27T11:00:00+00:00", {})
    scene, more = SCENES[name]
    inputs = {"picture": PICTURE, "caption": CAPTION, "describe": BUTTON, "phone": phone, **more}
    automation = {"alias": name, "use_blueprint": {"path": "smolvlm/notification.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await hass.async_start()
    state = hass.states.get(f"automation.{name.lower()}")
    assert state is not None and state.state == "on", state
    await scene(Automation(hass, told))
    await hass.async_stop(force=True)
    return told


async def main():
    blueprint, folder = sys.argv[1:]
    print(json.dumps({each: await run(each, Path(folder) / each, blueprint) for each in SCENES}, default=str))


asyncio.run(main())
