/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter and its parts: the records of its objects, evaluations of chains, and senders of changes. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "conversation/ferry-invocation.h"
#include "object/ferry-exporter.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* An exporter's record of an object (or of a value) that other processes may reach: its interface, and the
 * evaluation that has its turn.
 *
 * Owner:   counted references: of the exporter for the name, of sessions for the other ends' references, of
 *          subscriptions and of evaluations.
 * Threads: any. */

/* What an exporter has for evaluations: the records, by their objects; the types of objects that methods may return;
 * the functions that objects may be passed to. Counted references: of the exporter and of the records. */
typedef struct _FerryObjectTable FerryObjectTable;
typedef struct _FerryExported FerryExported;
typedef struct _FerryEvaluation FerryEvaluation;

struct _FerryExported
{
  _Atomic gint references;
  guint64 number;            /* const: unique, and not 0 */
  FerryObjectTable *table;   /* const: (owned) */
  GObject *object;           /* const, also the next two fields: (owned) (nullable): NULL for a value */
  FerryInterface *interface; /* (owned) (nullable): NULL for a value */
  GVariant *value;           /* (owned) (nullable): NULL for an object */
  _Atomic FerryCallPolicy policy;
  char *name; /* the table's lock: (owned) (nullable): the name by which the object is exported */

  pthread_mutex_t lock;
  FerryEvaluation *holder; /* lock, also for the next two; set by evaluations: (unowned) (nullable): the evaluation that
                              has the turn */
  GQueue waiting;          /* (element-type FerryEvaluation) (owned): evaluations that wait for the turn */
  guint sweep_at;          /* when waiting has this length, it is searched for cancelled evaluations */
  gulong list_handler;     /* lock: the id of the signal handler that counts revisions, or 0 */
  _Atomic guint64 *
    revision; /* lock to set the pointer: (owned) (nullable): counts changes of the list since its first subscription */
  _Atomic guint64 n_changes; /* counts the changes of properties that have subscriptions */
};

/* A function that objects are passed to. */
typedef struct
{
  FerryMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
} FerryPassFunction;

FerryObjectTable *ferry_object_table_new (void);
/* Frees the functions, and drops the exporter's reference. */
void ferry_object_table_close (FerryObjectTable *self);
/* Returns (element-type FerryExported) (transfer full): the records of all objects. */
GPtrArray *ferry_object_table_list (FerryObjectTable *self);
/* Returns (transfer full): the record of an object. If there is none, makes one, which takes a reference to the object
 * and to the interface. */
FerryExported *ferry_object_table_find (FerryObjectTable *self, GObject *object, FerryInterface *interface,
                                        FerryCallPolicy policy);
/* Exports a type, and the types derived from it. */
void ferry_object_table_add_type (FerryObjectTable *self, FerryInterface *interface, FerryCallPolicy policy);
/* Returns (transfer full) (nullable): the record of an object that a method gave. The object or its type must be
 * exported; otherwise fails with FERRY_ERROR_NOT_ALLOWED. */
FerryExported *ferry_object_table_find_result (FerryObjectTable *self, GObject *object, GError **error);
/* Adds a function, which is copied. Returns FALSE if there is one of that name. */
gboolean ferry_object_table_add_function (FerryObjectTable *self, const char *name, const FerryPassFunction *function);
/* Returns (nullable) the function of that name, valid as long as the exporter. Fails with
 * FERRY_ERROR_UNKNOWN_FUNCTION. */
const FerryPassFunction *ferry_object_table_find_function (FerryObjectTable *self, const char *name, GError **error);
/* Whether calls that were accepted and have not begun are refused. */
void ferry_object_table_set_refusing (FerryObjectTable *self, gboolean refusing);
/* Whether a call that was accepted, and has waited since, may begin. Fails with FERRY_ERROR_REFUSED. */
gboolean ferry_object_table_check_waiting (FerryObjectTable *self, GError **error);
/* Returns (transfer full): a new record of a value. The record takes a reference to the value. */
FerryExported *ferry_object_table_hold_value (FerryObjectTable *self, GVariant *value);

FerryExported *ferry_exported_ref (FerryExported *self);
void ferry_exported_unref (FerryExported *self);

/* Makes the record count the changes of its list from now on. Signal handlers that are connected later run when the
 * change has been counted. Returns the count. */
guint64 ferry_exported_count_revisions (FerryExported *self);
guint64 ferry_exported_get_revision (FerryExported *self);
/* Sets the name by which the object is exported. name: (nullable): NULL when it is unexported. */
void ferry_exported_set_name (FerryExported *self, const char *name);
/* Returns (transfer full) (nullable): the name by which the object is exported. */
char *ferry_exported_dup_name (FerryExported *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExported, ferry_exported_unref)

/* An evaluation resolves a chain at the exporter: step after step, each on the result of the step before. A method
 * may answer later, and on any thread. The evaluation then continues where the exporter calls methods: on the
 * exporter's main context, or on a thread of a pool.
 *
 * Owner:   counted references.
 * Threads: one at a time. */

/* The caller of an evaluation, and what is called with the evaluation's result. */
typedef struct
{
  /* Called once, with the result: object, or else value, which may be NULL. Both are borrowed. An error has the trace
   * of the chain's steps. */
  void (*done) (gpointer data, FerryExported *object, GVariant *value, const GError *error);
  void (*destroy) (gpointer data);
  gpointer data; /* (owned) */
  FerryInvocation
    *invocation; /* (nullable): of a caller in another process; refused where the evaluation does not begin */
  GCancellable
    *cancellable; /* (nullable): of a caller in this process. invocation and cancellable are borrowed from data */
  gint64 deadline;
} FerryEvaluationCaller;

/* Returns (transfer full): an evaluation that begins at root (transfer full), an object of the exporter. Takes the
 * content of request, and a reference to the exporter. context: (nullable): the main context on which the exporter
 * calls methods; NULL: on threads. The caller's data is destroyed with the evaluation. */
FerryEvaluation *ferry_evaluation_new (FerryExporter *exporter, GMainContext *context, FerryChainRequest *request,
                                       FerryExported *root, const FerryEvaluationCaller *caller);
void ferry_evaluation_unref (FerryEvaluation *self);
/* Begins the evaluation. Must be called on a thread, or on the main context, where the exporter calls methods. The
 * evaluation may be done when this returns. */
void ferry_evaluation_start (FerryEvaluation *self);
/* Begins the evaluation of a chain that this process resolves on its own exporter. When a method calls this, the
 * evaluation uses the turns that the method's evaluation has. */
void ferry_evaluation_start_here (FerryEvaluation *self);
/* A thread must call this before it waits for an evaluation. Runs the evaluations that were queued for the thread
 * before the application code on its stack began. Otherwise the wait might never end. */
void ferry_evaluation_run_queued (void);
/* Ends with error the evaluations that have not begun and wait for the object's turn. */
void ferry_evaluation_refuse_waiting (FerryExported *exported, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryEvaluation, ferry_evaluation_unref)

/* Sends a stream of items to the other end, for a subscriber or for a watch. The pace is set by the receiving end:
 * ferry-subscription.c opens a small window, and takes items no faster than its PACE. An item is made only when the
 * window and the transport have room for it. Until then its contents wait at the owner, where later changes are
 * joined to them.
 *
 * Owner:   counted references.
 * Threads: any; one thread at a time calls make. */

typedef struct _FerryPacedSender FerryPacedSender;

typedef struct
{
  /* Returns (transfer full) (nullable): the next item; NULL when there is nothing to send. */
  GVariant *(*make) (gpointer data);
  /* Called once, when the stream has ended: it was cancelled, its transport has ended, or ferry_paced_sender_end()
   * was called. It may be called during ferry_paced_sender_new(). */
  void (*gone) (gpointer data);
  /* Called when the last reference is dropped, after the last call of make and gone. Frees data. */
  void (*destroy) (gpointer data);
} FerryPacedSenderFuncs;

/* Returns (transfer full): a sender that answers the invocation with a stream. Takes data. */
FerryPacedSender *ferry_paced_sender_new (FerryInvocation *invocation, const FerryPacedSenderFuncs *funcs,
                                          gpointer data);
FerryPacedSender *ferry_paced_sender_ref (FerryPacedSender *self);
void ferry_paced_sender_unref (FerryPacedSender *self);
gpointer ferry_paced_sender_get_data (FerryPacedSender *self);
/* Must be called when make may have something to send. */
void ferry_paced_sender_kick (FerryPacedSender *self);
/* Ends the stream with reason, unless it has ended. */
void ferry_paced_sender_end (FerryPacedSender *self, const GError *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPacedSender, ferry_paced_sender_unref)

/* Functions of an exporter for proxies in the same process and for tests, and its subscribers. */

/* Returns (transfer full) (nullable): the object that is exported by that name. Fails with
 * FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* For fuzzers only. Must be called before the first transport is added. generation: not 0. */
void ferry_exporter_set_generation (FerryExporter *self, guint64 generation);
/* Returns (transfer none) (nullable): the main context on which methods are called; NULL: on threads. */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* Returns when all methods have returned that were called for that session, one of ferry_exporter_list_sessions(), and
 * its transport has ended. Not in a method. */
void ferry_exporter_wait_for_methods (gpointer session);
/* Removes an exporter from all transports, and unexports all objects. Must be called on the thread that answers
 * requests, if there is one. All objects of which only the exporter has references are freed on this thread, also when
 * another thread ends a transport meanwhile. */
void ferry_exporter_leave (FerryExporter *self);
gboolean ferry_exporter_get_listening (FerryExporter *self);
/* Whether a request is answered now. before: the request came before the exporter was stopped. Fails with
 * FERRY_ERROR_NOT_LISTENING and FERRY_ERROR_REFUSED. */
gboolean ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error);

/* For tests, also the functions below. Returns how many requests have begun. */
guint64 ferry_exporter_get_n_requests (FerryExporter *self);
/* Returns how many requests wait. */
guint ferry_exporter_get_n_pending (FerryExporter *self);
/* Adds a transport to the exporter that answered over the one of that place until it ended, if there is one. place:
 * that of ferry_link_transport_get_place(). */
void ferry_exporter_move (GObject *place, FerryTransport *to);
/* Returns (transfer full): the exporter's sessions, GObjects. */
GPtrArray *ferry_exporter_list_sessions (FerryExporter *self);
/* Adds a session. The exporter takes a reference to it. Returns whether the exporter was started or stopped before:
 * then the session takes requests at once. */
gboolean ferry_exporter_add_session (FerryExporter *self, gpointer session);
/* Removes a session. Returns it (transfer full), or NULL if the exporter does not have it any more. */
gpointer ferry_exporter_steal_session (FerryExporter *self, gpointer session);

/* ---- subscribers ----
 *
 * A subscriber is the sending end of a subscription. It follows an object's properties, its signals and its list for
 * the other end. The receiving end is FerrySubscription. */

/* any: a subscription has ended. Called once, or twice if it ended before ferry_subscriber_begin(). session: the one of
 * ferry_subscriber_new(). */
void ferry_exporter_forget_subscription (gpointer session, FerryPacedSender *subscription);
/* Returns (transfer full) (nullable): a subscriber, which answers the invocation. On failure the caller must answer
 * the invocation. Takes exported (transfer full), and a reference to session, one of the exporter's. Fails with
 * FERRY_ERROR_UNKNOWN_MEMBER and FERRY_ERROR_NOT_ALLOWED. */
FerryPacedSender *ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported,
                                        const FerryFollowRequest *request, gpointer session, GError **error);
/* Connects signal handlers to the object, and queues its first values. Must be called once. */
void ferry_subscriber_begin (FerryPacedSender *subscription);
/* Whether the subscription is of that object, and was requested by the object's name. */
gboolean ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported);

G_END_DECLS
