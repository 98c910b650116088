"""`/snap/bin/microk8s`: every subcommand with the texts and exit codes of facts 1, the rc=0 lies included.

    main      the table of subcommands, permission and help
    common    what the wrappers test before anything else
    The other modules hold one group of subcommands each: `run(argv) -> int`.
"""
