"""Compression of the chunks of spectrogram stores, and the codec pipeline."""

from zarr.codecs import BloscCodec

# Chosen by benchmarks/codecs.py, see benchmarks/README.md: zstd is smaller, lz4 is read faster.
COMPRESSORS = {
    "zstd": BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", blocksize=512 * 1024),
    "lz4": BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle"),
}
# It has its own threads, outside Python, and deadlocks in forked processes.
PIPELINE = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}
