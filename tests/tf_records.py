"""tf.Examples and TFRecords in bytes, written by neither TensorFlow nor what reads them."""

import struct

import google_crc32c


def varint(number):
    """A whole number as protobuf has it, low bits first."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def field(number, data):
    """A field of bytes, or a message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(values):
    """A Feature of texts or bytes, floats, or whole numbers; of nothing if there is no value."""
    if not values:
        return b""
    if isinstance(values[0], float):
        return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
    if isinstance(values[0], int):
        return field(3, field(1, b"".join(map(varint, values))))
    parts = [one.encode() if isinstance(one, str) else one for one in values]
    return field(1, b"".join(field(1, one) for one in parts))


def example(features):
    """A tf.Example of features, each with a list of values."""
    entries = (
        field(1, name.encode()) + field(2, feature(values)) for name, values in features.items()
    )
    return field(1, b"".join(field(1, entry) for entry in entries))


def record(data):
    """A record of a TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def masked(data):
    """The checksum of bytes."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def tfrecord(examples):
    """A TFRecord of tf.Examples."""
    return b"".join(record(example(one)) for one in examples)


def floats_in(data):
    """The floats of a Feature in bytes, as `feature` writes them."""
    assert data[:1] == b"\x12", "a FloatList"
    return list(struct.unpack(f"<{len(data[4:]) // 4}f", data[4:]))
