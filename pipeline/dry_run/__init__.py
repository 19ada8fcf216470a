"""A dry run: the real engine on real files, compared with what it made of them; nothing is written but the account."""
