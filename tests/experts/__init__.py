"""Tests of the experts room, most of them at the wire, against the scripted upstream."""
