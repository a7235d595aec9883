"""The serving plane, an endpoint a file: what an app, a beacon or an advertiser's server may call.

Start reading at `api.ads`; `api.routes` lists all paths.
"""
