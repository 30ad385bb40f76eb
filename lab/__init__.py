"""The one-machine lab: images, network, and hosts as systemd-nspawn containers."""
