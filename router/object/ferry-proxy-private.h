/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy and its parts: the session that proxies over one transport share, and subscriptions. */

#pragma once

#include "base/ferry-weak-private.h"
#include "call/ferry-transport.h"
#include "object/ferry-proxy.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* The session that all proxies over one transport share. It has whether the exporter at the other end listens, the
 * proxies of the exporter's objects, and the descriptions of their interfaces.
 *
 * Owner:   its proxies, by counted references.
 * Threads: any.
 * Trust:   none in the other end. */

typedef struct _FerryProxySession FerryProxySession;

/* Returns (transfer full): the transport's session. A transport has one at a time. */
FerryProxySession *ferry_proxy_session_get (FerryTransport *transport);
FerryProxySession *ferry_proxy_session_ref (FerryProxySession *self);
void ferry_proxy_session_unref (FerryProxySession *self);
/* Returns (transfer full): the session's transport. The session may move to another one meanwhile. */
FerryTransport *ferry_proxy_session_dup_transport (FerryProxySession *self);
/* Moves the session of a transport that has ended, if it has one, and all its proxies to another transport, which must
 * have no session. The exporter at the other end is another one: references to objects of the former are not valid. */
void ferry_proxy_session_move (FerryTransport *from, FerryTransport *to);

gboolean ferry_proxy_session_is_listening (FerryProxySession *self);
/* Whether a stream could not be opened for a reason that passes: no room, or a worker that has not started. */
gboolean ferry_proxy_session_is_too_early (const GError *error);
/* Must be called before a request is sent. waits: the request may wait at the other end until the exporter is up, as
 * long as the other end is starting. If there was no exporter at the other end, asks again whether there is one now.
 * Fails with FERRY_ERROR_NOT_LISTENING. When the transport has ended, fails with the reason of that end. */
gboolean ferry_proxy_session_check_listening (FerryProxySession *self, gboolean waits, GError **error);

/* How long, in microseconds, an exporter may take to come up while requests without a deadline wait for it. */
#define FERRY_EXPORTER_START_TIME (30 * G_USEC_PER_SEC)
/* Whether no exporter has reported over the transport yet, and one may still do so. */
gboolean ferry_proxy_session_is_starting (FerryProxySession *self);
/* Returns (transfer full): the error of a request for which no exporter came up in time. */
GError *ferry_proxy_session_new_absence (void);
/* Returns (transfer full) (nullable): while the exporter is starting, the error of a request that has no time left. */
GError *ferry_proxy_session_dup_absence (FerryProxySession *self);
/* For a request without a deadline: ends it with FERRY_ERROR_NOT_LISTENING where no exporter comes up in time. Does
 * nothing when an exporter has reported. */
void ferry_proxy_session_add_early (FerryProxySession *self, FerryTransport *transport, guint64 xid);
gint64 ferry_proxy_session_get_start_time (void);
/* For tests, before the first proxy is made. */
void ferry_proxy_session_set_start_time (gint64 time);
/* Returns (transfer full) (nullable): why the transport has ended, or the exporter has left it; NULL while neither
 * has happened. */
GError *ferry_proxy_session_dup_end (FerryProxySession *self);
/* Adds a watch: func is called on the receiving thread when the exporter begins or stops to listen, and when the
 * session ends. With names, also when names may stand for other objects. func is not called for the present state.
 * Returns a number for ferry_proxy_session_remove_watch(). */
typedef void (*FerryProxySessionFunc) (gpointer data);
guint64 ferry_proxy_session_add_watch (FerryProxySession *self, gboolean names, FerryProxySessionFunc func,
                                       gpointer data, GDestroyNotify destroy);
/* Removes a watch. Its function may still be running on another thread. */
void ferry_proxy_session_remove_watch (FerryProxySession *self, guint64 number);

/* Returns (transfer full) a new proxy of a result's object, which is reached by its number. weak: set to (transfer
 * none) its weak reference. Called with the session's lock held. */
typedef FerryProxy *(*FerryProxyMakeFunc) (FerryProxy *asker, const FerryChainResult *result, FerryWeak **weak);
/* Returns (transfer full) the proxy of a result's object: the present one, or one that make returns. by_name: set to
 * whether the proxy is reached by a name. Then it does not own the references that came by number. */
FerryProxy *ferry_proxy_session_find_or_make (FerryProxySession *self, const FerryChainResult *result,
                                              FerryProxyMakeFunc make, FerryProxy *asker, gboolean *by_name);
/* proxy: (element-type FerryProxy) */
void ferry_proxy_session_add_name (FerryProxySession *self, FerryWeak *proxy, const char *name);
/* Removes a proxy from the tables. Called when the proxy is finalized. */
void ferry_proxy_session_forget (FerryProxySession *self, const char *name, guint64 generation, guint64 number);
/* Drops references of this end: count references that have arrived, to the object of that number, of the exporter of
 * that generation. Sends the message later if the transport has no room. */
void ferry_proxy_session_release (FerryProxySession *self, guint64 generation, guint64 number, guint64 count);

/* Returns the session's edition: a number that changes with each reported change of the exporter's state or names. */
guint64 ferry_proxy_session_get_edition (FerryProxySession *self);
/* Returns (transfer full) (nullable): the cached description of an interface, if asked for in the present edition. */
GDBusInterfaceInfo *ferry_proxy_session_dup_info (FerryProxySession *self, const char *object);
void ferry_proxy_session_set_info (FerryProxySession *self, const char *object, guint64 edition,
                                   GDBusInterfaceInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryProxySession, ferry_proxy_session_unref)

/* A subscription is the receiving end of an object's changes, in the process of the proxy. The sending end is the
 * subscriber, in the exporter's process. A subscription opens its stream again each time the exporter begins to
 * listen, until the transport has ended. The first item of each stream is complete: it has all properties that are
 * followed, and the length of a list.
 *
 * Owner:   the opener, which must close it.
 * Threads: the main context that was the opening thread's default one; the functions are called there. When another
 *          thread closes the subscription, a function may be running, or be called once more.
 * Trust:   an item has the type FERRY_SUBSCRIPTION_ITEM_TYPE, and any content. */

typedef struct _FerrySubscription FerrySubscription;

typedef struct
{
  /* An item has come. The function may close the subscription. */
  void (*item) (gpointer data, GVariant *item, gboolean is_first);
  /* (nullable): no items come, for the given reason: until the exporter listens again, or for_ever. An error such as
   * FERRY_ERROR_UNKNOWN_OBJECT counts as for_ever; a first item still follows if the name gets an object later. The
   * function may close the subscription. */
  void (*silent) (gpointer data, const GError *reason, gboolean for_ever);
  /* (nullable): frees data. Called on any thread, after the last call of item and silent. */
  void (*destroy) (gpointer data);
} FerrySubscriptionFuncs;

/* The object that a subscription follows. */
typedef struct
{
  FerryProxySession *session; /* (owned) (nullable): with the exporter; NULL: refusal says why there is none */
  FerryObjectRoot root;
  GError *refusal; /* (owned) (nullable): why there is nothing to follow: silent is called with it, and no item comes */
} FerrySubscriptionSource;

/* Returns a new subscription. Takes what source owns. properties and signals: (nullable), NULL-terminated. A proxy's
 * subscription is opened by ferry_proxy_open_subscription(). */
FerrySubscription *ferry_subscription_open (const FerrySubscriptionSource *source, const char *const *properties,
                                            const char *const *signals, gboolean list,
                                            const FerrySubscriptionFuncs *funcs, gpointer data);
/* Closes the subscription, and drops the opener's reference. If the context's thread calls this, no function is
 * called any more. */
void ferry_subscription_close (FerrySubscription *self);

/* A proxy, as replicas use it: the object that it stands for, and chains of operations. */

/* Returns (transfer none) (nullable): the session, if the proxy's object is in another process. */
FerryProxySession *ferry_proxy_get_session (FerryProxy *self);
/* Whether results of chains stay in the other process, unless a chain is set otherwise. */
gboolean ferry_proxy_get_as_proxy (FerryProxy *self);
void ferry_proxy_set_as_proxy (FerryProxy *self, gboolean as_proxy);
/* Returns (transfer full) the proxy of a chain's result, an object in another process. Takes the reference that
 * arrived with the result. Each object has at most one proxy at a time over a transport: if the object has several
 * names, their chains return the same proxy. */
FerryProxy *ferry_proxy_take_object (FerryProxy *self, const FerryChainResult *result);
/* Fills root with what names the object in a request. root borrows from the proxy. */
void ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root);

/* Whether this thread may wait for an answer of the proxy's object. Fails with FERRY_ERROR_WRONG_THREAD. The message
 * names async_form as the function to use. */
gboolean ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error);

/* Where the exporter may be coming up, waits until it answers, for an exporter's start time at most. Returns FALSE if
 * it does not, or the wait was cancelled. */
gboolean ferry_proxy_wait_until_started (FerryProxy *self, GCancellable *cancellable);

/* Returns (transfer full) (nullable): the cached description of the interface of an object in another process. */
GDBusInterfaceInfo *ferry_proxy_dup_info (FerryProxy *self);

/* Opens a subscription to the proxy's object. If the object is in this process, the subscription uses a transport to
 * it. properties and signals: (nullable), NULL-terminated. */
FerrySubscription *ferry_proxy_open_subscription (FerryProxy *self, const char *const *properties,
                                                  const char *const *signals, gboolean list,
                                                  const FerrySubscriptionFuncs *funcs, gpointer data);

/* ---- chains ---- */

/* A chain of operations. All of it is borrowed, and a resolution keeps what it needs. */
typedef struct
{
  FerryProxy *proxy; /* the object at which the chain begins */
  const FerryStep *steps;
  guint n_steps;
  gboolean as_proxy;       /* whether a result that is a value stays in the other process */
  GVariant *default_value; /* (nullable): the result that replaces the error when the exporter does not listen */
} FerryChain;

typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  FerryProxy *object; /* (owned) (nullable) */
  guint64 n_changes;  /* for a chain that sets a property: the count of changes, see FERRY_STEP_SET */
} FerryResolved;

void ferry_resolved_free (gpointer self);

/* A chain that was asked: the data of a completion. Its steps are behind it, and their names behind these. */
typedef struct
{
  FerryProxy *proxy;         /* const: (owned) */
  FerryTransport *transport; /* const: (owned) (nullable): the session's when the resolution was made */
  FerryChainRequest request; /* const: root is borrowed from proxy, and steps have references to their arguments */
  GVariant *default_value;   /* const: (owned) (nullable) */
  gint64 deadline;           /* const: monotonic time in microseconds; 0 for none */
  FerryProxyFunc func;       /* const, also the next field: (nullable) */
  gpointer user_data;
  _Atomic guint64 xid;       /* the call's xid; 0: not sent yet, or the object is in this process */
  GCancellable *cancellable; /* const: (owned) (nullable): for an object in this process: the methods' cancellable */
} FerryResolution;

FerryResolution *ferry_resolution_ref (FerryResolution *self);
void ferry_resolution_unref (gpointer self);
/* Ends it with object (transfer full) (nullable), or else value (nullable), or error (nullable). raised: the error is
 * the object's own: the default does not replace it. */
void ferry_resolution_answer (FerryResolution *self, GVariant *value, FerryProxy *object, const GError *error,
                              gboolean raised);

/* Waits for the result: see ferry_proxy_resolve(). async_form: the function that the error message names if this thread
 * may not wait. */
gboolean ferry_resolve_wait (const FerryChain *chain, const char *async_form, gint64 timeout, GCancellable *cancellable,
                             GVariant **value, FerryProxy **object, GError **error);
/* Does not wait. Takes the task, which returns a FerryResolved. later: without room in the transport, the request is
 * sent as soon as there is room; otherwise the task fails with FERRY_ERROR_WOULD_BLOCK. */
void ferry_resolve_run_task (const FerryChain *chain, gint64 timeout, gboolean later, GTask *task);
/* Gives what the task has returned. */
gboolean ferry_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error);

/* ---- objects of this process ----
 *
 * A proxy has a session, or this: so it knows no exporter. ferry-local-proxy.c has the functions. */

typedef struct
{
  /* Begins a chain, which may be answered when this returns. Sets the resolution's cancellable. Returns FALSE with an
   * error if the chain is never answered. */
  gboolean (*ask) (FerryResolution *resolution, GError **error);
  /* Before this thread waits, does what was left to it, and says whether it may wait: see
   * ferry_proxy_check_may_wait(). */
  gboolean (*check_may_wait) (FerryProxy *proxy, const char *async_form, GError **error);
  /* Returns (transfer full) (nullable): the description of the object's interface. */
  GDBusInterfaceInfo *(*describe) (FerryProxy *proxy, GError **error);
  /* Returns (transfer full) (nullable): a session with the exporter, for a subscription, which needs a transport. */
  FerryProxySession *(*open_session) (FerryProxy *proxy, GError **error);
  /* Drops the record. */
  void (*drop) (gpointer exported);
} FerryLocalFuncs;

typedef struct
{
  const FerryLocalFuncs *funcs;
  gpointer exporter; /* an object with the property “listening” */
  gpointer exported; /* (nullable): the exporter's record of the proxy's object; NULL: the one of the proxy's name */
} FerryLocal;

/* Returns (transfer full): a proxy of an object in this process. Takes local's record. */
FerryProxy *ferry_proxy_new_here (const FerryLocal *local, const char *name);
const FerryLocal *ferry_proxy_get_local (FerryProxy *self);

G_END_DECLS
