"""An RTSP server whose picture's brightness is a clock: luma = 16 + 8 * (seconds since 1970 mod 25). Commands on stdin, one a line:
freeze, thaw, size WIDTH HEIGHT, user NAME PASSWORD, quit. Prints "port N"."""
import argparse
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

parser = argparse.ArgumentParser()
parser.add_argument("--fps", type=int, default=15)
parser.add_argument("--keyframes", type=int, default=15, help="pictures from one keyframe to the next")
parser.add_argument("--login", help="NAME:PASSWORD, digest")
parser.add_argument("--size", default="320x240")
parser.add_argument("--codec", choices=["h264", "bare", "mjpeg", "audio"], default="h264", help="bare: H.264, undescribed")
parser.add_argument("--port", default="0")
options = parser.parse_args()
Gst.init(None)

BARE = "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96,packetization-mode=(string)1"
H264 = (
    f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={options.keyframes} bitrate=1000 "
    "! h264parse ! video/x-h264,alignment=au ! rtph264pay pt=96 config-interval=-1 name="
)
ENCODERS = {
    "h264": f"{H264}pay0",
    "bare": f"{H264}inner ! capssetter name=pay0 replace=true caps=\"{BARE}\"",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
SOURCE = 'appsrc name=clock is-live=true format=time do-timestamp=true caps="{}" ! {}'
AUDIO = "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8"


def caps(width, height):
    return Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1")


size = [int(side) for side in options.size.split("x")]
frozen = False


class Factory(GstRtspServer.RTSPMediaFactory):
    def __init__(self):
        super().__init__()
        self.element = None
        self.set_shared(True)

    def do_create_element(self, _url):
        if options.codec == "audio":
            return Gst.parse_launch(f"( {AUDIO} )")
        self.element = Gst.parse_launch(f"( {SOURCE.format(caps(*size).to_string(), ENCODERS[options.codec])} )")
        return self.element

    def named(self, name):
        return self.element and self.element.get_by_name(name)


server = GstRtspServer.RTSPServer()
server.set_service(options.port)
factory = Factory()
server.get_mount_points().add_factory("/live", factory)

auth = None
role = None
if options.login:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)
    role = GstRtspServer.RTSPToken()
    role.set_string("media.factory.role", "user")
    auth.add_digest(*options.login.split(":"), role)
    server.set_auth(auth)
    factory.add_role_from_structure(
        Gst.Structure.from_string("user,media.factory.access=(boolean)true,media.factory.construct=(boolean)true")[0]
    )


def tick():
    clock = factory.named("clock")
    if clock and not frozen:
        width, height = size
        grey = 16 + int(time.time() % 25 * 8)
        picture = bytes([grey]) * (width * height) + bytes([128]) * (width * height // 2)
        buffer = Gst.Buffer.new_allocate(None, len(picture), None)
        buffer.fill(0, picture)
        clock.emit("push-buffer", buffer)
    return True


known = options.login.split(":")[0] if options.login else None


def command(channel, _condition):
    global known, frozen, size
    words = sys.stdin.readline().split()
    if not words or words[0] == "quit":
        loop.quit()
        return False
    if words[0] in ("freeze", "thaw"):
        frozen = words[0] == "freeze"
    if words[0] == "size":
        size = [int(side) for side in words[1:3]]
        factory.named("clock").set_property("caps", caps(*size))
    if words[0] == "user":
        auth.remove_digest(known)
        known = words[1]
        auth.add_digest(words[1], words[2], role)
    return True


server.attach(None)
GLib.timeout_add(1000 // options.fps, tick)
GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, command)
sys.stdout.write(f"port {server.get_bound_port()}\n")
sys.stdout.flush()
loop = GLib.MainLoop()
loop.run()
