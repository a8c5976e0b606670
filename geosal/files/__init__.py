"""FILES: a complete file or none.

Index card
----------
- `publish.WorkDirectory`: where files are made, and how they take their names; `publish.check_output` refuses what
  could not be published.
- `swap`: puts new files in the place of old ones, so that the next job can repair what a killed one has left.
- `atomic`: locks, flushes and renames of the operating system.
- `objects`: what lies on servers, by the package obstore; `addresses`: which paths lead there; `credentials`: what the
  environment says about them.
"""
