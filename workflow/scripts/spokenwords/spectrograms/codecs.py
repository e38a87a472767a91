"""How chunks of spectrogram stores are compressed, and what encodes and decodes them."""

from zarr.codecs import BloscCodec

# Chosen by benchmarks/codecs.py, see benchmarks/README.md: zstd is smaller, lz4 is read faster.
COMPRESSORS = {
    "zstd": BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", blocksize=512 * 1024),
    "lz4": BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle"),
}
# Threads of its own, outside Python: no worker processes, which it would not survive.
PIPELINE = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}
