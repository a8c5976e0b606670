"""FILES: a complete file or none.

Index card
----------
- `publish.WorkDirectory`: where files are made, and how they take their names; `publish.check_output` refuses what
  could not be published.
- `swap`: new files in the place of old ones, so that whoever dies meanwhile leaves enough to put it right.
- `atomic`: what the operating system offers: locks, flushes, renames.
"""
