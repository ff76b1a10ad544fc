/* A receipt in either form, its proof for others, and its verification. */
#include "proto/ledger.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_receipt r;
	static char proof[HF_PROOF_TEXT_MAX];
	struct hf_hash path[HF_TREE_DEPTH_MAX];
	uint8_t out[HF_RECEIPT_MAX];
	struct hf_key key = {{1}};
	uint64_t tree;
	size_t n = 0;
	enum hf_err err;

	fuzz_init();
	if (hf_receipt_decode(&r, data, size) != HF_OK)
		return 0;
	fuzz_msgpack(data, size);
	MUST(r.path.size <= sizeof(path), "a path longer than any");
	if (r.path.size > 0)
		memcpy(path, r.path.data, r.path.size);
	err = hf_receipt_encode(r.leaf_bytes, r.index, path,
	    (unsigned)(r.path.size / HF_HASH_SIZE), r.note, out, sizeof(out),
	    &n);
	fuzz_same(data, size, err, out, n);
	MUST(hf_receipt_proof(&r, proof, sizeof(proof), &n) == HF_OK &&
		 strlen(proof) == n,
	    "HF_PROOF_TEXT_MAX is not enough");
	MUST(hf_receipt_verify(&r, "holdfast/JP/1", &key, &tree) != HF_OK,
	    "verified by no key");
	return 0;
}
