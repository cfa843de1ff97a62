"""libtorrent as all benches run it: nothing is on that a company's network would not want, neither DHT, local discovery,
port mapping nor uTP, and nothing is encrypted."""
import libtorrent as lt


def session_of(listen, **more):
    """`listen`: ADDRESS:PORT. `more`: further settings."""
    return lt.session(
        {
            "listen_interfaces": listen,
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_outgoing_utp": False,
            "enable_incoming_utp": False,
            "out_enc_policy": 2,
            "in_enc_policy": 2,
            **more,
        }
    )


def parameters_of(torrent, folder, mode="leech"):
    """Of a torrent that runs at once; `mode`: seed or leech."""
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(torrent)
    parameters.save_path = folder
    parameters.flags &= ~lt.torrent_flags.auto_managed
    parameters.flags &= ~lt.torrent_flags.paused
    if mode == "seed":
        parameters.flags |= lt.torrent_flags.seed_mode
    return parameters
