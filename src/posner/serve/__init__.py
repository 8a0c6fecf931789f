"""A model behind HTTP: a queue that batches, engines that compute, routes, and a page.

`settings` says what can be set, `work` what is asked of a model and what it answers, `batching` how
requests meet, `engines` and `supervisor` who computes, `app` what is served.
"""
