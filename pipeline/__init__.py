"""From received bytes and a profile to a de-identified object or a reason to hold it: no sockets, queues, clocks."""
