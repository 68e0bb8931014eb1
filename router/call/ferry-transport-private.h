/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport as seen by the files that use or implement it: one end's table of calls, on a link, a stream, or whatever
 * else carries messages.
 *
 * A call is a request, items each way, and an answer. Both ends may ask. Each end numbers its own requests from 1 (the
 * xid), and the kind of a message says which end's number it contains. The asking end sends REQUEST, WINDOW and CANCEL;
 * the answering end sends ANSWER, ERROR, REFUSE, ITEM and PIECE. A request ends with exactly one answer, error or
 * refusal. If the link ends first, the asking end makes an error itself.
 *
 * Owner:   counted references; a call that is being answered holds one.
 * Threads: any, unless a comment says otherwise, under a lock that is never held in a callback. One thread receives;
 *          callbacks run on that thread, or on the one that ends a request or the transport.
 * Trust:   the other end is not trusted. Late and unknown answers are counted and dropped. */

#pragma once

#include <stddef.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-weak-private.h"
#include "call/ferry-transport.h"
#include "lane/ferry-answer-waits-private.h"
#include "link/ferry-descriptor-port-private.h"
#include "link/ferry-link-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"

G_BEGIN_DECLS

/* The two types have the same layout, so parts are passed as vectors and vectors as parts by a cast. */
G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (FerryPart));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (FerryPart, data));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (FerryPart, size));

/* A request that the other end sent to this end, until it is answered. Reference-counted; any thread. */
typedef struct _FerryCall FerryCall;

/* What carries the messages of both ends; ferry-transport.c lists them. All but send are nullable. They get the
 * carrier. Any thread may call them, several at once, and none may call back into the transport. */
typedef struct
{
  /* Sends a message. descriptors (nullable): what goes with it, for a carrier that can. Requests are sent one at a
   * time, in the order of their numbers. Must never wait on the thread of a main loop. Returns FALSE with an error if
   * the message was not sent: FERRY_ERROR_WOULD_BLOCK if it may be sent later. Then ferry_transport_note_room() must
   * be called when there may be room. */
  gboolean (*send) (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors,
                    GError **error);
  /* Sends a cancel that overtakes the messages that were sent before. NULL, or FALSE: it is sent as a message. */
  gboolean (*cancel) (gpointer carrier, guint64 xid, FerryCancelReason reason);
  /* Sends a large message as a whole, in a way that does not delay other messages. FALSE: it cannot now. */
  gboolean (*send_in_buffer) (gpointer carrier, const FerryPart *parts, guint n_parts);
  /* Whether a message that was accepted still waits in this process. There is room when that changes. */
  gboolean (*is_sending) (gpointer carrier);
  /* Whether the other end has claimed this call. If it has not, any message of the call except a refusal breaks the
   * protocol. NULL: the other end need not claim calls. */
  gboolean (*is_begun) (gpointer carrier, guint64 xid);

  /* Lists a thread that will send a request and wait, so that it is handed the answer, where the carrier can do that
   * now. */
  void (*begin_wait) (gpointer carrier, FerryAnswerWait *wait);
  /* (with begin_wait): ends that, if the wait is listed. waits: first waits for the answer, or until the completion is
   * over. Afterwards, the wait's size tells whether the thread has the answer. */
  void (*end_wait) (gpointer carrier, FerryAnswerWait *wait, gboolean waits, gint64 deadline,
                    GCancellable *cancellable);

  /* Of a carrier where another thread receives while the one that does runs a handler that takes long. Returns FALSE
   * where this thread does not receive, or no other can. */
  gboolean (*begin_handler) (gpointer carrier);
  /* (with begin_handler): the handler has returned, or is about to wait, which leaves the receiving to the other
   * thread. Returns how many microseconds it took besides sending, and G_MAXINT64 for one that waits or has waited; 0
   * if no handler runs that may wait on this thread. */
  gint64 (*end_handler) (gpointer carrier, gboolean waits);

  /* Of a carrier without threads, which reads and writes where a main context is iterated, as the next three. Returns
   * (transfer none) (nullable) the context that this thread may iterate to wait for the other end; NULL on another. */
  GMainContext *(*get_context) (gpointer carrier);
  /* Whether this thread may iterate it now. Fails with FERRY_ERROR_BUSY and FERRY_ERROR_CLOSED. form: as in
   * ferry_transport_check_may_wait(). */
  gboolean (*check_may_iterate) (gpointer carrier, const char *form, GError **error);
  /* Whether all that was sent is written, or nothing more can be. */
  gboolean (*is_flushed) (gpointer carrier);
  /* Waits until it is. Receives nothing meanwhile. */
  void (*flush) (gpointer carrier);

  /* Releases resources. Called once, when the transport closes; no message is sent after that. */
  void (*close) (gpointer carrier);
  /* Called when the last reference is dropped. Until then a send() that began before the close may still be running. */
  void (*free) (gpointer carrier);
} FerryCarrierFuncs;

typedef struct
{
  /* (nullable): called with a value that comes before the answer; name is empty for an item of the stream. Another
   * thread may call done() meanwhile, for instance by closing the transport: what item() then notes under a lock must
   * be dropped, so that nobody gets a value after the end. */
  void (*item) (gpointer data, const char *name, GVariant *value);
  /* Called once, with the result (not floating), or with an error and its trace. refused: the other end did not
   * begin the request. */
  void (*done) (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused);
  /* (nullable): called instead of done() with a result that is an array of bytes. */
  void (*done_packed) (gpointer data, const FerryBody *result);
  /* (nullable): hold and release count a reference to data around item(), as done() on another thread does not wait
   * for item(). They must do nothing else: hold is called with a lock held. */
  void (*hold) (gpointer data);
  void (*release) (gpointer data);
} FerryAnswerFuncs;

/* A longer answer is handed over in memory of its own. */
#define FERRY_MAX_OWN_ANSWER 8192

/* A thread that asks and waits for the answer, which it may be handed. Must not move until it has waited. */
typedef struct
{
  FerryTransport *transport; /* (unowned) */
  FerryAnswerWait wait;
  guint64 answer[FERRY_MAX_OWN_ANSWER / sizeof (guint64)];
} FerryRequestWait;

typedef struct
{
  const char *method;
  GVariant *arguments; /* (nullable) */
  gint64 deadline;     /* monotonic time in microseconds; 0: none. It is sent to the other end, unless the request is
                          one-way, and limits a wait for room; for the answer, the caller must have a timer of its own */
  FerryCallFlags flags;
  guint16 window;
  const int *descriptors; /* (nullable): what is sent with the request, by a carrier that can */
  guint n_descriptors;
  FerryPart packed;          /* used instead of arguments: the bytes of an “ay”; data is NULL for none */
  gboolean waits;            /* this thread may wait for room, until the deadline or a cancel */
  GCancellable *cancellable; /* (nullable): ends the wait for room */
  FerryRequestWait *wait;    /* (nullable): this thread's, which then waits for the answer */
  gconstpointer asker;       /* (nullable): for ferry_transport_list_asked() */
  _Atomic guint64 *xid;      /* (nullable): set to the number before the request is sent, and to 0 if it was not sent */
} FerryRequest;

/* The most calls that the other end may have open, and the most bytes of their arguments. Further requests are refused,
 * but one of any size is let in where none is open. */
#define FERRY_MAX_OPEN_CALLS 65536
#define FERRY_MAX_OPEN_CALL_BYTES ((gsize) 256 * 1024 * 1024)
/* The most cancels that are kept because they overtook their requests. */
#define FERRY_MAX_EARLY_CANCELS 8192
/* The pieces of all unfinished answers together may be as large as this many answers of the largest size. */
#define FERRY_MAX_LARGEST_ANSWERS 4

/* ---- the object ---- */

/* Returns (transfer full) a transport over a carrier that is no class of its own. Takes carrier. */
FERRY_FOR_SIBLINGS
FerryTransport *ferry_transport_new_for_carrier (const FerryCarrierFuncs *funcs, gpointer carrier);
/* Returns (transfer none) that carrier, or NULL for a transport over another one. */
FERRY_FOR_SIBLINGS
gpointer ferry_transport_get_carrier (FerryTransport *self, const FerryCarrierFuncs *funcs);
/* Returns (transfer none) (nullable) the context that this thread may iterate to wait for the other end; NULL where the
 * carrier has a thread. */
FERRY_FOR_SIBLINGS
GMainContext *ferry_transport_get_context (FerryTransport *self);
/* The functions of a carrier that has a context; the last two do nothing for another one, which is flushed. */
gboolean ferry_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error);
gboolean ferry_transport_is_flushed (FerryTransport *self);
void ferry_transport_flush (FerryTransport *self);
/* For such a carrier: this thread begins (1), or ends (-1), to hand over what has come, which may be nested. Nothing
 * more comes by iterating the context meanwhile. */
FERRY_FOR_SIBLINGS
void ferry_transport_note_handing_over (gint step);
FERRY_FOR_SIBLINGS
gboolean ferry_transport_is_handing_over (void);
/* As ferry_transport_new_pair(). Fails with FERRY_ERROR_SYSTEM. */
gboolean ferry_transport_try_new_pair (FerryTransport **one, FerryTransport **other, GError **error);

/* For an end that takes all that the other end sends, and answers one call at a time: open calls are not bounded by the
 * bytes of their arguments, and answers go whole, as no other message waits for them. */
void ferry_transport_set_unbounded (FerryTransport *self);
/* Whether this process may send at all: a forked child may not use what its parent sends by. Takes no lock, since a
 * thread of the parent may have had it at the fork. Fails with FERRY_ERROR_CLOSED. */
gboolean ferry_transport_check_process (FerryTransport *self, GError **error);

/* Sets the number of the first request, 1 by default. Must be called before that request. */
void ferry_transport_set_first_xid (FerryTransport *self, guint64 first);

/* Sets the largest size in bytes of an answer that is sent or received in pieces. */
FERRY_FOR_SIBLINGS
void ferry_transport_set_max_answer (FerryTransport *self, guint64 max_answer);

/* Lets the transport send descriptors, by a function that passes a socket to the other end, or by a socket that the
 * other end passes (pass is NULL). Must be called before the transport is used. both_ways: as in FerryDescriptorPort.
 */
void ferry_transport_set_pass_func (FerryTransport *self, FerryPassSocketFunc pass, gpointer data, gboolean both_ways);
/* The other end has passed a socket (transfer full) for descriptors, or -1 for one that did not come. */
gboolean ferry_transport_join_descriptors (FerryTransport *self, int socket);
/* Passes a socket to the other end, if this end takes descriptors, and the other end cannot pass one. Ends the
 * transport if it cannot. To be called when the other end is there. */
void ferry_transport_offer_descriptors (FerryTransport *self);

/* ---- asking ---- */

/* Sends a request. Returns the xid, or 0 with an error; in that case no callback is called. One-way requests have no
 * callbacks either. The answer may arrive, on another thread, before this function returns. Fails with
 * FERRY_ERROR_CLOSED, FERRY_ERROR_BAD_ARGUMENTS, FERRY_ERROR_TOO_LARGE, and errors of the transport. Here and below,
 * a floating value is sunk even if it is not sent: a caller that may try again must hold a reference. */
FERRY_FOR_SIBLINGS
guint64 ferry_transport_ask (FerryTransport *self, const FerryRequest *request, const FerryAnswerFuncs *funcs,
                             gpointer data, GError **error);
/* Sends a cancel, at once or as soon as there is room. FALSE: the call has ended. The answer still arrives. */
FERRY_FOR_SIBLINGS
gboolean ferry_transport_cancel (FerryTransport *self, guint64 xid, FerryCancelReason reason);
/* Removes a call: its answer will count as late. Returns FALSE if the call has ended. Its item() may still be running
 * on another thread. */
FERRY_FOR_SIBLINGS
gboolean ferry_transport_forget (FerryTransport *self, guint64 xid);
/* Removes a call and cancels it at the other end. Returns the data of the call. done() is not called then; NULL if the
 * call has ended. */
FERRY_FOR_SIBLINGS
gpointer ferry_transport_abandon (FerryTransport *self, guint64 xid, FerryCancelReason reason);
/* Removes a call and cancels it at the other end, and calls done() with a copy of error. Returns FALSE if the call has
 * ended. */
gboolean ferry_transport_end_request (FerryTransport *self, guint64 xid, FerryCancelReason reason, const GError *error);

/* Returns (element-type guint64) (transfer full) the numbers of the calls of that asker, in ascending order. */
GArray *ferry_transport_list_asked (FerryTransport *self, gconstpointer asker);

/* Prepares a thread to wait for the answer to its next request, of which completion (unowned) is the data. */
void ferry_request_wait_init (FerryRequestWait *self, FerryTransport *transport, FerryCompletion *completion);
/* Waits until the completion is over, as ferry_completion_wait() does. */
void ferry_request_wait_finish (FerryRequestWait *self, gint64 deadline, GCancellable *cancellable);

/* Allows the other end to send n more items of a stream. The message is sent as soon as there is room. */
gboolean ferry_transport_add_window (FerryTransport *self, guint64 xid, guint n, GError **error);

/* The number of the standing call, of which there is one each way. Both ends know of it, so it is asked without a
 * message: each end may send items for it, as many as the window, before the other end has asked, or is there. They are
 * kept until it has. Its cancel does not overtake windows. */
#define FERRY_STANDING_XID G_MAXUINT64
#define FERRY_STANDING_WINDOW 64
/* Asks the standing call. Returns (transfer full) the call that the other end asks, or will; NULL if this end has asked
 * before. At a link that has ended both calls have, too. */
FerryCall *ferry_transport_stand (FerryTransport *self, const char *method, const FerryAnswerFuncs *funcs,
                                  gpointer data);
/* Must follow: processes what has come for it. Fails as ferry_transport_process() does. */
gboolean ferry_transport_receive_kept (FerryTransport *self, GError **error);

/* ---- receiving, and the end ---- */

/* Processes a message of the other end, for a caller that holds a reference. bytes (nullable): used instead of data; a
 * value of the message holds a reference to bytes. One thread at a time may call this, or the callbacks of one request
 * would overlap. Returns FALSE with FERRY_ERROR_PROTOCOL if the message is malformed; the caller must then end the
 * link. */
gboolean ferry_transport_process (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes,
                                  FerryValueVerdict verdict, GError **error);

/* For the thread of a main loop, before it processes a message that ends the pieces of an answer: returns whether it is
 * to process the message later, because another thread checks the large value. That calls func with data when it has.
 * Takes data, which destroy frees if it is not needed. */
gboolean ferry_transport_is_judging (FerryTransport *self, gconstpointer message, gsize size, GDestroyNotify func,
                                     gpointer data, GDestroyNotify destroy);
/* Returns the highest number of a call that the other end had not claimed when it sent a message of it; 0: there is
 * none. It was begun in spite of that. Receiving thread. */
guint64 ferry_transport_get_unclaimed (FerryTransport *self);
/* Processes a cancel that overtook messages, maybe even its own request. */
void ferry_transport_receive_cancel (FerryTransport *self, guint64 xid, guint16 reason);

typedef struct
{
  guint64 n_late;    /* answers to calls that had ended */
  guint64 n_unknown; /* answers to numbers that were never used */
  guint n_asked;     /* calls that have not ended; this and all fields below are current numbers, for tests */
  guint n_calls;
  guint n_early;       /* cancels that arrived before their requests */
  guint n_unsent;      /* refusals of dropped calls, and sends, that wait for room */
  guint64 pieces_size; /* the size in bytes of the pieces of unfinished answers */
} FerryTransportCounts;

FerryTransportCounts ferry_transport_get_counts (FerryTransport *self);

FERRY_FOR_SIBLINGS
gboolean ferry_transport_get_closed (FerryTransport *self);
/* Returns (transfer full) (nullable): why the transport is closed; NULL while it is open. */
FERRY_FOR_SIBLINGS
GError *ferry_transport_dup_reason (FerryTransport *self);

/* Works as ferry_transport_receive(), for a caller that holds a reference. bytes (nullable): used instead of data; a
 * value of the message holds a reference to bytes. */
FERRY_FOR_SIBLINGS
void ferry_transport_receive_bytes (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes,
                                    FerryValueVerdict verdict);

/* Whether this thread receives, and may run a handler nevertheless, since another thread receives if that takes long.
 */
gboolean ferry_transport_begin_handler (FerryTransport *self);
/* Must follow, once the handler has returned. Returns as end_handler() does. */
gint64 ferry_transport_end_handler (FerryTransport *self);
/* Sets the thread that receives, which must not wait for answers. NULL: none, or not known yet. */
FERRY_FOR_SIBLINGS
void ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread);
/* Whether this thread may wait for the other end. Fails with FERRY_ERROR_WRONG_THREAD on the receiving thread and on
 * the thread of the default main context. form: the name of the function to use instead, for the error. */
gboolean ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error);

/* ---- the owner of the calls ---- */

/* Called on the receiving thread with a new request. call is borrowed. If the function takes no reference, the call
 * is refused when the function returns. */
typedef void (*FerryTransportCallFunc) (FerryTransport *self, FerryCall *call, GObject *owner);
/* Makes the transport call func with each request, beginning with the early requests. owner: (unowned)
 * (nullable); referenced while func is called with it. Fails with FERRY_ERROR_ALREADY_RUNNING if another owner takes
 * the requests. */
FERRY_FOR_SIBLINGS
gboolean ferry_transport_take_calls (FerryTransport *self, FerryTransportCallFunc func, GObject *owner, GError **error);
/* Whether ferry_transport_take_calls() would succeed now. Fails as that does. */
gboolean ferry_transport_check_no_calls (FerryTransport *self, GError **error);
/* Undoes ferry_transport_take_calls(). Requests are refused with reason from now on. Another thread may still be
 * running func. */
FERRY_FOR_SIBLINGS
void ferry_transport_leave_calls (FerryTransport *self, const GError *reason);
/* Makes the transport call func once when it is closed, on the thread that closes it. If the transport is closed
 * already, calls func at once. A transport has one such func. */
void ferry_transport_set_end_func (FerryTransport *self, GDestroyNotify func, gpointer data);

/* Called on the thread that ended the transport, after its calls have failed. */
typedef void (*FerryTransportEndFunc) (FerryTransport *self, GObject *owner);
/* Makes the transport call func when it ends. For the owner of the calls. If the transport has ended already, func
 * is not called: the owner must also check ferry_transport_dup_reason(). */
FERRY_FOR_SIBLINGS
void ferry_transport_watch_end (FerryTransport *self, FerryTransportEndFunc func, GObject *owner);
/* Undoes ferry_transport_watch_end() of this owner. Does nothing if another owner watches. */
FERRY_FOR_SIBLINGS
void ferry_transport_unwatch_end (FerryTransport *self, GObject *owner);
/* Waits until the thread that closes the transport has failed all calls, and has told the owner of the calls. Must not
 * be called by a function that this thread calls. */
void ferry_transport_wait_ended (FerryTransport *self);

/* ---- room ----
 *
 * What has no room in the carrier is kept here, and sent in order when there is some: cancels, windows, refusals of
 * dropped calls, and what ferry_transport_send_later() is given. A thread that may wait for room gets the room count
 * first, then tries to send, and then waits until the count has changed. */

/* Wakes the threads that wait for room, for a window, or for the end. */
void ferry_transport_wake_waiting (FerryTransport *self);
FERRY_FOR_SIBLINGS
guint64 ferry_transport_get_room_count (FerryTransport *self);
/* Returns TRUE when the count is no longer count, or the transport is closed. deadline: monotonic time in
 * microseconds, 0 for none. Fails with FERRY_ERROR_TIMED_OUT and G_IO_ERROR_CANCELLED. */
gboolean ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                                        GError **error);
/* Tries to send again. Returns whether that is done: the message was sent, or can never be. */
typedef gboolean (*FerrySendFunc) (gpointer data);
/* For a send that failed with FERRY_ERROR_WOULD_BLOCK on a thread that may not wait. Threads that make room call func,
 * until func returns TRUE. count: the room count before the send that failed. */
FERRY_FOR_SIBLINGS
void ferry_transport_send_later (FerryTransport *self, FerrySendFunc func, gpointer data, guint64 count);
/* Waits until nothing that was accepted waits in this process any more. */
void ferry_transport_wait_sent (FerryTransport *self, gint64 deadline, GCancellable *cancellable);
/* Returns (transfer none): for threads that must not change the transport's reference count. */
FerryWeak *ferry_transport_get_weak (FerryTransport *self);
/* Calls ferry_transport_note_room(), if there is still a transport. */
FERRY_FOR_SIBLINGS
void ferry_transport_note_room_of (GWeakRef *transport);

/* ---- a call that this end answers ---- */

FERRY_FOR_SIBLINGS
FerryCall *ferry_call_ref (FerryCall *self);
FERRY_FOR_SIBLINGS
void ferry_call_unref (FerryCall *self);
/* Returns (transfer none) the transport, once the call was handed over. */
FerryTransport *ferry_call_get_transport (FerryCall *self);
FERRY_FOR_SIBLINGS
guint64 ferry_call_get_xid (FerryCall *self);
FERRY_FOR_SIBLINGS
const char *ferry_call_get_method (FerryCall *self);
/* Returns (transfer none) (nullable) the arguments. The value is made when this is called first. */
FERRY_FOR_SIBLINGS
GVariant *ferry_call_get_arguments (FerryCall *self);
/* Returns FALSE if the arguments are no array of bytes, or there are none. body (nullable): set to the bytes, which
 * stay as they are until the call is freed. */
gboolean ferry_call_get_body (FerryCall *self, FerryBody *body);
/* Returns the size of the serialised arguments in bytes. */
gsize ferry_call_get_size (FerryCall *self);
/* Returns the call's FERRY_CALL_SPACE bytes for the code that answers it. They are set to 0 at first, are aligned for
 * any type, and stay until the call is freed. */
#define FERRY_CALL_SPACE 192
gpointer ferry_call_get_space (FerryCall *self);
gint64 ferry_call_get_deadline (FerryCall *self);
FERRY_FOR_SIBLINGS
FerryCallFlags ferry_call_get_flags (FerryCall *self);
/* Returns 0 if the call is not cancelled, else a FerryCancelReason. One atomic load. */
guint ferry_call_get_cancelled (FerryCall *self);
/* Sets a function that is called once, on the thread that receives the cancel. If the call is cancelled already,
 * calls func at once. NULL: func is not called any more, but another thread may still be running it. */
FERRY_FOR_SIBLINGS
void ferry_call_set_cancel_func (FerryCall *self, void (*func) (FerryCall *call, gpointer data), gpointer data);

/* Keeps data until the call is freed, so at least as long as a thread may run the function of
 * ferry_call_set_cancel_func(). Must be called at most once. */
FERRY_FOR_SIBLINGS
void ferry_call_attach (FerryCall *self, gpointer data, GDestroyNotify destroy);
/* Returns (nullable) the data of ferry_call_attach(). */
gpointer ferry_call_get_attached (FerryCall *self);

/* Each of these sends the end of a call. Returns FALSE with an error if it was not sent. With FERRY_ERROR_WOULD_BLOCK
 * the call is still open. Other errors are FERRY_ERROR_CLOSED and errors of the value or the transport. A call must be
 * answered at most once, by an answer, an error or a refusal. The answer to a one-way call is dropped. A call that is
 * dropped without an answer is refused. result, trace and notes are (nullable). */
FERRY_FOR_SIBLINGS
gboolean ferry_call_answer (FerryCall *self, GVariant *result, GError **error);
/* As ferry_call_answer(), with an array of bytes. packed is borrowed until the function returns. */
gboolean ferry_call_answer_packed (FerryCall *self, const FerryPart *packed, GError **error);
FERRY_FOR_SIBLINGS
gboolean ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                                  GError **error);
FERRY_FOR_SIBLINGS
gboolean ferry_call_refuse (FerryCall *self, const GError *reason, GError **error);
/* Ends a call, and sends nothing. For a call that was answered, and for a request that the other end took back before
 * the call was begun. */
FERRY_FOR_SIBLINGS
void ferry_call_drop (FerryCall *self);
/* Sends an item of the stream. Fails with FERRY_ERROR_WOULD_BLOCK while the window is used up. If the caller wants
 * no stream, the item is dropped. */
FERRY_FOR_SIBLINGS
gboolean ferry_call_send_item (FerryCall *self, GVariant *value, GError **error);
FERRY_FOR_SIBLINGS
guint ferry_call_get_window (FerryCall *self);
/* Sets a function that is called on the receiving thread whenever the window has grown. Before each call of func,
 * hold is called with a lock held, and must count a reference to data. func must drop that reference. If func is NULL,
 * nothing is called any more. */
FERRY_FOR_SIBLINGS
void ferry_call_set_window_func (FerryCall *self, void (*func) (gpointer data), void (*hold) (gpointer data),
                                 gpointer data);
/* Sends a value with a name before the answer. Such a value uses no window. */
FERRY_FOR_SIBLINGS
gboolean ferry_call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCall, ferry_call_unref)

G_END_DECLS
