"""What Ray says of a lost task is shown as text. `tests/cluster_ray` runs Ray itself."""

from ppmobileseg_deploy.cluster.on_ray import plain_line


def test_messages_of_ray_lose_their_colours_and_line_breaks():
    message = (
        "\x1b[36mray::_make()\x1b[39m (pid=7, ip=10.0.0.1)\n  At least one input\n" + "x" * 999
    )
    line = plain_line(message)
    assert line.startswith("ray::_make() (pid=7, ip=10.0.0.1) At least one input xxx")
    assert len(line) == 200
    assert line.isprintable()
