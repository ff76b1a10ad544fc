/*
 * notify: sd_notify(3)'s datagram, written by hand since it is one.
 */
#ifndef HF_BROKER_NOTIFY_H
#define HF_BROKER_NOTIFY_H

/** Send "READY=1" and the like to $NOTIFY_SOCKET; nothing if unset. */
void notify(const char *state);

#endif
