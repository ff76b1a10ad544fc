/*
 * err: every error once, with number, class, exit status and texts.
 *
 * One list serves C code, wire refusals, log lines, exit statuses and
 * `holdfast errors`.  Numbers are stable for ever: 1xxx encoding, 2xxx link,
 * 3xxx identity and roles, 4xxx life cycle, 5xxx store, 6xxx verification,
 * 7xxx command line, forms and configuration.
 *
 * X(name, number, class, exit, text, cure)
 */
#ifndef HF_PROTO_ERR_H
#define HF_PROTO_ERR_H

#if defined(__GNUC__)
#define HF_MUST_USE __attribute__((warn_unused_result))
#else
#define HF_MUST_USE
#endif

/** What the code that meets the error does with it. */
enum hf_err_class {
	HF_CLASS_NONE,
	HF_CLASS_PEER,  /* the other's fault: refuse and go on */
	HF_CLASS_RETRY, /* ours or the world's: later */
	HF_CLASS_FATAL, /* stop the process */
};

/** Exit statuses of the programs. */
enum hf_exit {
	HF_EXIT_OK = 0,
	HF_EXIT_FAILED = 1,
	HF_EXIT_USAGE = 2,
	HF_EXIT_UNREACHABLE = 3,
	HF_EXIT_REFUSED = 4,
	HF_EXIT_NOT_FOUND = 5,
	HF_EXIT_VERIFY = 6,
	HF_EXIT_CONFLICT = 7,
	HF_EXIT_UNKNOWN = 8,
	HF_EXIT_CONFIG = 9,
};

#define HF_ERRORS(X) \
	X(OK, 0, NONE, OK, "done", "") \
	X(TRUNCATED, 1001, PEER, FAILED, "the bytes end too early", \
	    "ask the sender to send it again; the transport lost nothing of " \
	    "ours") \
	X(TOO_BIG, 1002, PEER, FAILED, "larger than the limit", \
	    "shorten texts or split the request; limits are in " \
	    "proto/limits.h") \
	X(TYPE, 1003, PEER, FAILED, "a value of the wrong type", \
	    "the sender's program does not follow SPEC 1 and 3; tell its " \
	    "operator") \
	X(NOT_SHORTEST, 1004, PEER, FAILED, \
	    "a number or length not in its shortest form", \
	    "only the canonical form is accepted (SPEC 1.2)") \
	X(KEY_ORDER, 1005, PEER, FAILED, \
	    "map keys not ascending, or one twice", \
	    "only the canonical form is accepted (SPEC 1.2)") \
	X(UTF8, 1006, PEER, FAILED, \
	    "text is not strict UTF-8 or has control characters", \
	    "only strict UTF-8 is accepted (SPEC 1.2)") \
	X(TRAILING, 1007, PEER, FAILED, "bytes after the end of the value", \
	    "only the canonical form is accepted (SPEC 1.2)") \
	X(DEPTH, 1008, PEER, FAILED, "nested too deeply", \
	    "at most four levels (SPEC 1.2)") \
	X(TOO_MANY, 1009, PEER, FAILED, "too many values, members or keys", \
	    "limits are in SPEC 1.2 and proto/limits.h") \
	X(RANGE, 1010, PEER, FAILED, "a value outside its range", \
	    "see the field's range in the catalogue: holdfast help fields") \
	X(MISSING_KEY, 1011, PEER, FAILED, "a mandatory key is missing", \
	    "see SPEC 3.3 and 4.2 for the keys of this kind") \
	X(UNKNOWN_KEY, 1012, PEER, FAILED, \
	    "a key that this version does not know", \
	    "the sender uses a later version; both brokers state theirs in " \
	    "holdfast peer show") \
	X(SUITE, 1013, PEER, FAILED, "unknown cryptographic suite", \
	    "the sender uses a later version of the protocol") \
	X(PADDING, 1014, PEER, FAILED, \
	    "a body of a size that is no bucket, or bad padding", \
	    "only the sizes of SPEC 3.5 are accepted") \
	X(SHAPE, 1020, PEER, FAILED, \
	    "a key missing or out of place for this kind of act", \
	    "see SPEC 4.2 for the keys of this kind") \
	X(UNREACHABLE, 2101, RETRY, UNREACHABLE, "the broker does not answer", \
	    "check that holdfastd runs and the context's address: holdfast " \
	    "context show") \
	X(NAME, 2102, RETRY, UNREACHABLE, "the name cannot be resolved", \
	    "check the name or use a literal address") \
	X(TCP, 2103, RETRY, UNREACHABLE, "no TCP connection", \
	    "see that holdfastd runs there, address, port and firewall; of a " \
	    "peer, call its desk: holdfast peer contacts CC") \
	X(SERVER_KEY, 2104, RETRY, UNREACHABLE, \
	    "what answers there is no broker with the key expected", \
	    "check the address; the broker may have a new key: compare its " \
	    "country document (holdfast roster show CC)") \
	X(NOT_IN_ROSTER, 2107, RETRY, REFUSED, \
	    "the other side refused our connection: our key is not in its " \
	    "roster", \
	    "compare rosters: holdfast roster ls; then call the other side") \
	X(PEER_DOWN, 2108, RETRY, FAILED, \
	    "stored, signed, NOT delivered: the peer's broker is down", \
	    "nothing is lost, delivery goes on by itself; telephone: " \
	    "holdfast peer contacts CC") \
	X(VERSION, 2109, PEER, FAILED, "no common protocol version", \
	    "one of the two brokers must be upgraded") \
	X(BUSY, 2110, RETRY, UNKNOWN, "busy, try again later", \
	    "run the same command again; it is safe") \
	X(TIMEOUT, 2111, RETRY, UNKNOWN, \
	    "no answer in time; what the broker did is not known", \
	    "run the same command again; a repeated act has no second effect") \
	X(FRAME, 2112, PEER, FAILED, \
	    "a frame that the link protocol does not allow here", \
	    "the other program does not follow SPEC 10 or 11") \
	X(AGENT, 2113, RETRY, FAILED, "the key agent does not answer", \
	    "start it: holdfast agent") \
	X(CROWDED, 2114, RETRY, REFUSED, \
	    "connections above a limit of the gate were cut", \
	    "see who knocks; connections_max, handshakes_max and " \
	    "source_connections_max are in holdfastd.conf(5)") \
	X(HANDSHAKE, 2115, RETRY, UNREACHABLE, \
	    "connected, but the handshake was not finished", \
	    "the broker may be starting or have too much to do: try again; " \
	    "if it stays so, compare its key with its country document") \
	X(SIGNATURE, 3001, PEER, VERIFY, "a signature does not verify", \
	    "do not trust this act; ask its author by telephone") \
	X(UNKNOWN_OFFICER, 3002, PEER, REFUSED, \
	    "the officer's key is not in his country's document that we hold", \
	    "check the roster's age: holdfast roster ls; ask the country for " \
	    "its newest document") \
	X(REVOKED, 3003, PEER, REFUSED, "the officer's key is revoked", \
	    "ask the registrar for a new key: holdfast key new") \
	X(EXPIRED_KEY, 3004, PEER, REFUSED, \
	    "the officer's key is not valid at this time", \
	    "ask the registrar for a new term of validity") \
	X(ROLE, 3005, PEER, REFUSED, "the officer's role may not do this", \
	    "ask an officer of the right role; roles are in holdfast roster " \
	    "show CC") \
	X(WRONG_COUNTRY, 3006, PEER, REFUSED, \
	    "this act belongs to another country's broker", \
	    "check --to and the context") \
	X(WRONG_DESK, 3007, PEER, REFUSED, \
	    "this desk is not a party of the case, or of the wrong type", \
	    "check the reference and the desk: holdfast roster show CC") \
	X(UNKNOWN_COUNTRY, 3008, PEER, NOT_FOUND, \
	    "the country is not in the roster", \
	    "pin its root first: holdfast country pin FILE; known ones: " \
	    "holdfast roster ls") \
	X(UNKNOWN_DESK, 3009, PEER, NOT_FOUND, \
	    "the desk is not in the country's document", \
	    "desks of a country: holdfast roster show CC") \
	X(APPROVALS, 3010, PEER, REFUSED, \
	    "not enough approvals for this kind of act", \
	    "have another authorised officer sign it first") \
	X(DOC_CONFLICT, 3011, PEER, VERIFY, \
	    "two country documents carry one version", \
	    "the country's registrars must say which is right; both are kept " \
	    "as proof") \
	X(DOC_INVALID, 3012, PEER, VERIFY, \
	    "the country document does not verify", \
	    "fetch it again from the country; compare the root's words by " \
	    "telephone") \
	X(DOC_OLD, 3013, PEER, CONFLICT, \
	    "not newer than the country document we hold", \
	    "nothing to do if the versions are equal") \
	X(ROOT_UNKNOWN, 3014, PEER, VERIFY, \
	    "the root of this country is not pinned here", \
	    "compare its words by telephone, then: holdfast country pin FILE") \
	X(CLOCK_SKEW, 3015, PEER, REFUSED, \
	    "the act's time is more than five minutes from the broker's", \
	    "set the clock of your machine") \
	X(CONFIRM, 3016, PEER, REFUSED, "the words do not match", \
	    "do not pin this key; call again") \
	X(READ_DENIED, 3017, PEER, REFUSED, "this desk may not read this", \
	    "the refusal is recorded; ask the desk that holds the case") \
	X(SEALING_KEY, 3018, PEER, VERIFY, "no sealing key opens this body", \
	    "your key lacks this desk's epoch: ask the registrar for a wrap") \
	X(KEY_CLAIMED, 3019, PEER, VERIFY, \
	    "a country document names the broker's key of another country", \
	    "both countries' registrars must say whose key it is; the log " \
	    "and the ledger name them; the document was refused whole") \
	X(TERM_ENDS, 3020, PEER, VERIFY, \
	    "a broker's term ends within 14 days", \
	    "have the country's registrars publish the next document before " \
	    "that: then its link closes, and documents come by hand only") \
	X(NOT_ALLOWED, 4001, PEER, CONFLICT, \
	    "the case's state does not allow this", \
	    "look at the case again: holdfast request show REF") \
	X(STALE, 4002, PEER, CONFLICT, \
	    "something new has arrived in this case", \
	    "look at the case again, then repeat the command") \
	X(CHAIN, 4003, PEER, CONFLICT, \
	    "does not continue the sequence it names", \
	    "look at the case again, then repeat the command") \
	X(GENERATION, 4004, PEER, CONFLICT, \
	    "another act already stands at this place", \
	    "look at the case again, then repeat the command") \
	X(DUPLICATE, 4005, PEER, OK, \
	    "already entered; the same receipt is given", "nothing to do") \
	X(TERM, 4006, PEER, REFUSED, "a term that the profile forbids", \
	    "terms of a country: holdfast roster show CC") \
	X(LAPSED, 4007, PEER, CONFLICT, "after its not-after time", \
	    "ask again with a new act") \
	X(GROUND, 4008, PEER, OK, \
	    "a ground outside the profile: delivered and flagged", \
	    "give the reason in words as well") \
	X(GROUND_UNCONFIRMED, 4009, PEER, USAGE, \
	    "this ground is outside the profile; confirm it", \
	    "repeat with --outside-profile; a refusal is never blocked, only " \
	    "flagged") \
	X(CITE, 4010, PEER, REFUSED, \
	    "a cite that the cited act does not allow", \
	    "ask its author to widen the policy of the leaf, or vouch with " \
	    "fresh fields") \
	X(MASKED, 4011, PEER, REFUSED, \
	    "an order that masks the requester cites nothing and names no " \
	    "request", \
	    "leave out the cite, or order without masking") \
	X(REF_TAKEN, 4012, PEER, CONFLICT, "the reference is already taken", \
	    "sign again; the client does this by itself") \
	X(UNKNOWN_CASE, 4013, PEER, NOT_FOUND, "no such case here", \
	    "check the reference: holdfast inbox") \
	X(UNKNOWN_ACT, 4014, PEER, NOT_FOUND, "no such act here", \
	    "check the id") \
	X(NOT_SUPPORTED, 4015, PEER, REFUSED, \
	    "a kind, measure or rule that is not supported", \
	    "the two countries' versions or profiles differ: holdfast roster " \
	    "show CC") \
	X(PAST_MISSING, 4016, RETRY, FAILED, \
	    "waits for acts it names that have not arrived", \
	    "nothing to do; it is taken up when they arrive") \
	X(LOOP, 4017, PEER, CONFLICT, \
	    "the trace leads back to a country already on its path", \
	    "look at the tree: holdfast trace show REF; --again follows it " \
	    "all the same") \
	X(LEGAL_HOLD, 4018, PEER, CONFLICT, "the case is under a legal hold", \
	    "an operator lifts it") \
	X(ONWARD, 4019, PEER, REFUSED, \
	    "onward sharing is forbidden by its author", \
	    "ask the author to lift the flag") \
	X(VOID, 4020, PEER, CONFLICT, \
	    "the act is void: its past did not allow it", \
	    "the act is kept and shown, without effect") \
	X(MANY_ACTS, 4021, PEER, REFUSED, "the case has too many acts", \
	    "open a new case") \
	X(HOP_FIELDS, 4022, PEER, USAGE, \
	    "a hop without direction, finding or window with zone", \
	    "give window and zone; the clock error may be 'unknown'") \
	X(RECALLING, 4023, PEER, CONFLICT, \
	    "after a loss this case is still being fetched back from abroad", \
	    "wait until holdfast peer ls shows that country up, then try " \
	    "again; by telephone if it cannot wait") \
	X(STORE, 5001, FATAL, FAILED, \
	    "the store failed; the process stops and verifies at its next " \
	    "start", \
	    "see the log; check the disk") \
	X(FULL, 5002, RETRY, FAILED, "the store is full; nothing was entered", \
	    "free disk space or raise map_size") \
	X(NOMEM, 5003, FATAL, FAILED, "out of memory", \
	    "see the service's memory limit") \
	X(NOTFOUND, 5004, NONE, NOT_FOUND, "not there", "") \
	X(CORRUPT, 5005, FATAL, VERIFY, \
	    "stored bytes do not match their digest", \
	    "restore from a backup; keep the damaged files for the auditor") \
	X(ERASED, 5006, PEER, NOT_FOUND, \
	    "the content was erased at the end of retention", \
	    "the ledger still proves that it was here") \
	X(KEYSLOT, 5007, FATAL, FAILED, "the case key file failed", \
	    "see the log; check the disk") \
	X(SIGNER, 5008, RETRY, FAILED, "the signer refused or failed", \
	    "the ledger may have been rolled back; see the log before " \
	    "anything else") \
	X(NEARLY_FULL, 5009, RETRY, FAILED, \
	    "the store is nearly full: nothing routine is entered until " \
	    "there " \
	    "is room", \
	    "free disk space or raise map_size_mib; emergencies are still " \
	    "entered") \
	X(DESCRIPTORS, 5010, RETRY, FAILED, \
	    "a gate had no descriptor left for a connection", \
	    "raise RLIMIT_NOFILE (LimitNOFILE= of the unit)") \
	X(RESOURCES, 5011, FATAL, FAILED, \
	    "the system refuses what a process needs", \
	    "see the log; give the service memory, processes and descriptors") \
	X(STORE_OLD, 5012, FATAL, VERIFY, \
	    "the store was written by an older version of holdfastd, whose " \
	    "rows this one does not read", \
	    "nothing was changed: run the version that wrote it") \
	X(STORE_NEW, 5013, FATAL, VERIFY, \
	    "the store was written by a newer version of holdfastd", \
	    "nothing was changed: install that version, or a later one") \
	X(PROOF, 6001, PEER, VERIFY, "a proof does not verify", \
	    "do not trust this receipt or tree") \
	X(CHECKPOINT, 6002, PEER, VERIFY, "a checkpoint does not verify", \
	    "check origin and key: holdfast roster show CC") \
	X(RECEIPT, 6003, PEER, VERIFY, \
	    "a receipt does not belong to this act", \
	    "fetch the act again; tell the auditor") \
	X(DISCLOSURE, 6004, PEER, VERIFY, \
	    "the shown fields are not part of the signed root", \
	    "do not trust them; ask the discloser by telephone") \
	X(ROLLBACK, 6005, FATAL, VERIFY, \
	    "the ledger is older than its last signed head, or the signer " \
	    "has no memory of that head", \
	    "restore the newest data; if they are gone: holdfastd(8), AFTER " \
	    "A LOSS") \
	X(DIVERGENCE, 6006, PEER, VERIFY, \
	    "the replayed state differs from the broker's", \
	    "the entry named is the first that differs") \
	X(OPEN, 6007, PEER, VERIFY, \
	    "the sealed body does not open or does not match its act", \
	    "decline with body-unreadable, or ask the sender to send it " \
	    "again") \
	X(OTHER_LEDGER, 6010, PEER, VERIFY, \
	    "the broker's ledger is not the one that was fetched before", \
	    "keep this archive, it is evidence; fetch into another folder " \
	    "and ask the broker's operator and its peers") \
	X(FORK, 6011, PEER, VERIFY, \
	    "a broker signed two different ledgers of one size", \
	    "keep the proof (audit fetch has it); call that country; believe " \
	    "no receipt of that epoch that your witnesses have not cosigned") \
	X(UNPROVEN, 6012, PEER, VERIFY, \
	    "a broker has not proved that its heads are of one ledger", \
	    "call that country's operators; nothing more of it is cosigned " \
	    "until it has") \
	X(WITNESS_FORGOT, 6013, PEER, VERIFY, \
	    "the witness does not remember a ledger that it cosigned before", \
	    "find out whether an old witness.mem was restored; if so, unpin " \
	    "and pin that country again: its ledger is then witnessed anew") \
	X(UNWITNESSED, 6014, PEER, VERIFY, \
	    "too few witnesses have cosigned this ledger lately", \
	    "holdfast peer ls: bring the links up, or change witness_quorum") \
	X(EPOCH, 6015, FATAL, VERIFY, \
	    "the ledger in the store is of another epoch than configured", \
	    "set ledger_epoch back; after a loss that cannot be undone, " \
	    "publish a document that names the new epoch's key and start " \
	    "once " \
	    "with holdfastd --accept-rollback") \
	X(NEW_EPOCH, 6016, PEER, VERIFY, \
	    "a country has begun a new epoch of its ledger", \
	    "it has lost entries: ask its operator; what this broker holds " \
	    "of " \
	    "the epoch before stays evidence") \
	X(USAGE, 7001, NONE, USAGE, "wrong usage", "see holdfast help") \
	X(FORM, 7002, NONE, USAGE, "the form has errors", \
	    "correct the fields named, or use --incomplete") \
	X(LOGLINE, 7003, NONE, USAGE, "the log line cannot be read", \
	    "formats: holdfast help from-log") \
	X(CONFIG, 7004, NONE, CONFIG, "the configuration has errors", \
	    "correct the line named") \
	X(KEYFILE, 7005, NONE, CONFIG, "the key file cannot be used", \
	    "it must be mode 0600, owned by you, whole, and of the purpose " \
	    "asked for") \
	X(PASSPHRASE, 7006, NONE, REFUSED, "wrong passphrase", "try again") \
	X(CONTEXT, 7007, NONE, CONFIG, "the client home is not set up", \
	    "see holdfast help context") \
	X(FILE, 7008, NONE, FAILED, "a file cannot be read or written", \
	    "check its path and mode") \
	X(CONFIRM_NEEDED, 7009, NONE, USAGE, "this needs a confirmation", \
	    "repeat with --yes") \
	X(BUNDLE, 7010, NONE, FAILED, "the file is no evidence bundle", \
	    "take the file as it was exported: unpacked and packed again it " \
	    "is another one") \
	X(MEMLOCK, 7011, NONE, FAILED, \
	    "secret keys could not be locked in memory: they may reach the " \
	    "disk by swapping", \
	    "raise the limit (ulimit -l; LimitMEMLOCK= of the unit), or " \
	    "encrypt the swap") \
	X(CONFINE, 7012, FATAL, CONFIG, \
	    "the kernel does not confine the broker's processes as asked", \
	    "take a kernel with seccomp and Landlock, allow both in the " \
	    "container, or set confinement = \"best\" and know the risk") \
	X(BIND, 7013, FATAL, CONFIG, \
	    "an endpoint of the broker cannot be had", \
	    "the address must be one of this machine and the port free: " \
	    "correct the endpoint in holdfastd.conf(5), or end what holds it") \
	X(GATE, 7014, FATAL, CONFIG, \
	    "a gate could not prove that it lets in known keys and no others", \
	    "nobody was let in; start again, and if it says so again install " \
	    "the distribution's own libzmq5") \
	X(INTERNAL, 7999, FATAL, FAILED, "a mistake in this program", \
	    "please report it with the log")

#define HF_ERR_ENUM(name, number, class, exit, text, cure) HF_##name = (number),
enum hf_err { HF_ERRORS(HF_ERR_ENUM) };
#undef HF_ERR_ENUM

struct hf_err_info {
	enum hf_err err;
	const char *name; /* "E4002" */
	enum hf_err_class class;
	enum hf_exit exit;
	const char *text;
	const char *cure;
};

/** Information on `err`; of an unknown number that of HF_INTERNAL. */
const struct hf_err_info *hf_err_info(enum hf_err err);
/** The i-th error of the list, NULL past the end. */
const struct hf_err_info *hf_err_at(unsigned i);
const char *hf_err_text(enum hf_err err);

#endif
