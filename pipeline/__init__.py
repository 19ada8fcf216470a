"""From received bytes and a profile to a de-identified object, or a named reason to hold it. No sockets, queues or clocks."""
