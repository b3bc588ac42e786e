"""A small inter stream that is always there: 64x64, pictures I B B P, made with x265 from the clip in media/."""

import base64
import io

# --qp 24 --ctu 32 --rect --amp --tskip --bframes 2 --b-intra --preset slower
STREAM = base64.b64decode(
    "AAAAAUABDAH//wFgAAADAJAAAAMAAAMAHpmQCQAAAAFCAQEBYAAAAwCQAAADAAADAB6gIIEFlmZLkba4BAAAD6AAALuAIAAAAAFEAcF1sRIAAAAB"
    "KAGvF4Dmxs2H9hG7k/VsVbBBQWxm88D8K7igzKhovbPvW33FB9bFqDIaCfV7MOp/+gWNCQtvUTHxYCP3QRIc34Q0Tk7KJbjzfZKeYmub0rS4XqTX"
    "YO6gXLKk/iwZbs8ccQLecYZOQCiuFgQibB6prPTVNRbTkaBxvN60/P8V7Owq0NP4fu3IiQewdYieMKnru8pXl1in7kOYTZfH1ACgq/BoV9cGIU73"
    "y8lUkgdBEY+Z1S1gY3qdEYTM57fqWXxB4tYgoe6yCHiA5EAAAAFQAYQxAAQKHYLUJ5m7eKdr3UihJJY9gtgxN1484AeHXJs1F/eUAdkcQKOmpr/I"
    "2TrAUWHoGIAAAAABAgHQGV+EMRWNjvChqF0+ZsbvjnJZovNWuS+L4a9JK7PRiy6s89RgAAABUAGEMQDLl5cJJE5H593ON4Sv2zzshVBNjiFR6dET"
    "xHKifwkcW/EvqWF0ksl2mZ7gfqVWwWqAAAAAAQIB4ESX4EME0DgQSUWf2+mJSbzvRfgAAAFQAYQxANpGrqYKSDe7N3pIQoKh4kZyelNYL8FzEpbn"
    "He4cgDNYBC+cP1Lt0I2WAH1AVm3SwYAAAAABAAHgJP/6IhgLgLjXVYXwAAABUAGEMQDEr1dtQqa1VU7exOe6i+QArjdChEC29oeIZedYWNnTrVEJ"
    "t0icKoTkBp7eY0xc3eyA"
)


def open_stream():
    """A binary file object of it."""
    return io.BytesIO(STREAM)
