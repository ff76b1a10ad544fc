/*
 * limits: every bound of the protocol, with its unit and its reason.
 */
#ifndef HF_PROTO_LIMITS_H
#define HF_PROTO_LIMITS_H

#define HF_KEY_SIZE 32u        /* bytes: Ed25519 and X25519 keys */
#define HF_HASH_SIZE 32u       /* bytes: SHA-256 */
#define HF_ID_SIZE 32u         /* bytes: SPEC 3.2 */
#define HF_SIG_SIZE 64u        /* bytes: Ed25519 */
#define HF_SALT_SIZE 16u       /* bytes: leaf, envelope and entry salts */
#define HF_SEED_SIZE 32u       /* bytes */
#define HF_NONCE_SIZE 24u      /* bytes: XChaCha20 */
#define HF_TAG_SIZE 16u        /* bytes: Poly1305 */
#define HF_SEALED_KEY_SIZE 80u /* bytes: sealed box of 32 bytes */

#define HF_FRAME_MAX 65536u      /* bytes: ZMQ_MAXMSGSIZE less CURVE's 33 */
#define HF_ACT_MAX 49152u        /* bytes: an act and its receipt fit a frame */
#define HF_BODY_MAX 45056u       /* bytes: what is left for a body */
#define HF_CORE_MAX 256u         /* bytes: six fixed keys are 188 */
#define HF_ENVELOPE_MAX 2048u    /* bytes: 8 flags, 4 cites of 64 leaves */
#define HF_SIGNATURE_MAX 4u      /* count: author and three of `approve` */
#define HF_SIGS_MAX 420u         /* bytes: 4 x (32 + 64 + heads) */
#define HF_LEAF_MAX 64u          /* count: leaves of one act */
#define HF_LEAF_BYTES_MAX 12288u /* bytes: one leaf; a cite is the largest */
#define HF_CITE_MAX 12200u       /* bytes: one disclosure */
#define HF_RECIPIENT_MAX 4u      /* count: desks one body is sealed to */
#define HF_FLAG_MAX 8u
#define HF_THIRD_MAX 8u
#define HF_LINEAGE_MAX 4u
#define HF_CITES_MAX 4u
#define HF_DESK_MAX 27u /* bytes: cc . 24 */
#define HF_COUNTRY_SIZE 2u
#define HF_TEXT_MAX 4096u       /* bytes: one str */
#define HF_IDENTIFIER_MAX 1024u /* bytes: one ID value */

#define HF_DEPTH_MAX 4u /* SPEC 1.2 */
#define HF_MAP_MAX 64u
#define HF_ARRAY_MAX 256u
#define HF_VALUES_MAX 1024u /* values a frame; sum over the whole tree */
#define HF_TIME_LIMIT (UINT64_C(1) << 48)

#define HF_TRACK_ACTS_MAX 512u /* acts on one track of one case */
#define HF_ASKS_MAX 64u        /* asks of one case that a facet remembers */

#define HF_LEDGER_LEAF_MAX 192u /* bytes: SPEC 6.1, 153 at most today */
#define HF_TREE_DEPTH_MAX 48u   /* hashes of one path; 2^48 entries */
#define HF_PATH_MAX (HF_TREE_DEPTH_MAX * HF_HASH_SIZE)
#define HF_PROOF_MAX ((2u * HF_TREE_DEPTH_MAX) * HF_HASH_SIZE)
#define HF_NOTE_MAX 1024u    /* bytes: checkpoint with its signatures */
#define HF_RECEIPT_MAX 3072u /* bytes; about 1 kB in practice */
#define HF_PAYLOAD_MAX 1024u /* bytes: a statement's payload */

#define HF_ENTRY_MAX 1024u       /* bytes: entry of a country document */
#define HF_DOC_ENTRIES_MAX 1024u /* entries of one kind of one document */
#define HF_DOC_MAX 1048576u      /* bytes: a whole country document */
#define HF_DOC_PART 32768u       /* bytes: one part on the wire */
#define HF_REGISTRAR_MAX 7u
#define HF_COUNTRY_MAX 64u /* countries of one roster */

#define HF_REF_MAX 18u     /* bytes: CC-DDD-XXXXXX-C and the NUL */
#define HF_KEYLINE_MAX 64u /* bytes: a typed key line and the NUL */

#define HF_BATCH_MAX 512u /* acts decided in one transaction */
#define HF_BATCH_BYTES_MAX 4194304u
#define HF_LINK_WINDOW 24u /* batch frames unacknowledged */
#define HF_PAGE_ROWS 64u   /* rows of one answer */
#define HF_PAGE_BYTES 49152u

#endif
