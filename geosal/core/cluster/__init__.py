"""Where blocks are worked on: threads, processes, or a dask.distributed cluster.

Index card
----------
- `scheduler.Scheduler`: where blocks are worked on, and what names it.
- `trust`: which addresses may be used without a password.
- `opening.open_pool`: opens a `Pool` where the user wants it.
- `pool.Pool`: runs a task on many items, with a bounded number in flight.
- `connection`: the connection to a dask cluster.
- `remote.Remote`: tasks on it, whose results stay there until they are fetched.
- `watch.Watch`: whether a cluster has workers, and the right ones.
- `code`: whether a worker has the same geosal and the same libraries.
"""
