/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The exporter: which objects, types and functions it has, whether it listens, and on which threads it calls
 * methods. It has a session for each transport. A session receives the requests, and has the references of the other
 * end and its streams: subscriptions, and watches of whether the exporter listens. Evaluations resolve chains.
 *
 * It is one file since each request of a session depends on what the exporter has and whether it listens. The sessions
 * tell each change of the exporter.
 *
 * A transport's requests wait in the transport until the exporter was started, or stopped, for the first time. Its
 * process is starting, and no request is refused for having been too early.
 *
 * Threads: any, except where a function says one at a time.
 * Trust:   none in the other ends.
 * Locks:   the exporter's before its table's, and both before an object's. Application code runs without them. */

#include "config.h"

#include "object/ferry-exporter-private.h"

#include "conversation/ferry-demux-invocation-private.h"
#include "conversation/ferry-invocation-private.h"

#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-revival-private.h"
#include "base/ferry-timers-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-demux-private.h"
#include "object/ferry-evaluation-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-subscriber-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-remote-error-private.h"

/* The key of the GObject data by which the place of a transport has the exporter that answered over it to the end. */
#define EXPORTER_KEY "ferry-exporter"

#define NOT_MANUAL "the exporter does not answer manually; set FerryExporter:manual first"

struct _FerryExporter
{
  GObject parent_instance;

  guint64 generation;      /* const: a random number that tells this exporter from others; not 0 */
  FerryObjectTable *table; /* const: (owned) */
  FerryWeak *weak;         /* const: (owned) */

  /* Changed under the lock until the first transport is added, then const. */
  gboolean is_manual;    /* ferry_exporter_process_requests() and ferry_exporter_poll() iterate the context */
  GMainContext *context; /* (owned) (nullable): the main context on which methods are called; NULL: on threads */
  int n_threads;         /* -1: nobody has chosen, and methods are called on one */

  pthread_mutex_t lock;
  GHashTable *names; /* lock, also for the fields below: (element-type utf8 FerryExported); keys and values are owned */
  GPtrArray *sessions; /* (element-type FerryExporterSession) (owned) */
  guint n_closing;     /* how many sessions some thread has removed from sessions, and is still closing */
  gboolean listening;
  gboolean begun; /* the exporter was started or stopped: its demuxes are started */

  FerryWaitQueue closing; /* any: waits until n_closing is 0 */

  _Atomic guint64 n_requests; /* how many requests have begun */
  _Atomic guint64 n_names;    /* how many times an object got or lost a name */
};

/* An exporter's session with one transport. The exporter owns it until the transport or the exporter ends. */
#define FERRY_TYPE_EXPORTER_SESSION (ferry_exporter_session_get_type ())

G_DECLARE_FINAL_TYPE (FerryExporterSession, ferry_exporter_session, FERRY, EXPORTER_SESSION, GObject)

struct _FerryExporterSession
{
  GObject parent_instance;

  FerryWeak *exporter;   /* const: (owned): the session does not keep its exporter alive */
  FerryDemux *demux;     /* const, also the next field: (owned): of the session's transport */
  GMainContext *context; /* (nullable): the exporter's */

  pthread_mutex_t lock;
  GHashTable *handles;       /* lock: (element-type guint64 Handle) (owned): by FerryExported.number */
  gsize value_bytes;         /* lock: the total size of the values that handles refer to */
  GHashTable *subscriptions; /* lock, also for the fields below: (owned) (element-type FerryPacedSender): a set */
  GHashTable *watches; /* (element-type FerryPacedSender) (owned): streams that report whether the exporter listens */
  guint64 last_before; /* the number of the last invocation that came before the latest stop */
  gboolean closed;
};

typedef struct
{
  FerryExported *exported; /* (owned) */
  guint64 count;
} Handle;

G_DEFINE_FINAL_TYPE (FerryExporterSession, ferry_exporter_session, G_TYPE_OBJECT)

/**
 * FerryExporter:
 *
 * Offers objects of this process to other processes, over any number of transports. An application offers objects to
 * its workers, and a worker to the application. Other processes reach the objects that have a name here, and nothing
 * but what their interfaces list. They also reach objects that methods return, where the type of such an object was
 * exported.
 *
 * Over each transport, one method is called at a time, on a thread of the exporter's own. The properties
 * [property@Ferry.Exporter:context], [property@Ferry.Exporter:threads] and [property@Ferry.Exporter:manual] choose
 * another place. They are set before the first transport is added, on any thread. To set one of the three unsets the
 * others.
 *
 * Another process has a reference to each object of which it has a proxy. The reference is dropped when the proxy is
 * finalized, and when the transport ends. A reference is valid only over the transport by which it was sent, and only
 * for this exporter. Over another transport, with another exporter, and after it was dropped, its use fails with
 * %FERRY_ERROR_UNKNOWN_OBJECT. A reference never means another object.
 *
 * Dropping the last reference to the exporter removes it from all transports: calls that wait are answered or refused.
 * A call that has begun holds a reference until it is answered; to end it earlier, close the transports.
 *
 * Any thread may use it.
 */
G_DEFINE_FINAL_TYPE (FerryExporter, ferry_exporter, G_TYPE_OBJECT)

enum
{
  PROP_CONTEXT = 1,
  PROP_THREADS,
  PROP_MANUAL,
  PROP_LISTENING,
  PROP_N_TRANSPORTS,
  PROP_N_REFERENCES,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * ferry_exporter_new:
 *
 * Any thread.
 *
 * Returns: (transfer full): an exporter that exports nothing and does not listen
 */
FerryExporter *
ferry_exporter_new (void)
{
  return g_object_new (FERRY_TYPE_EXPORTER, NULL);
}

GMainContext *
ferry_exporter_get_context (FerryExporter *self)
{
  return self->context;
}

guint64
ferry_exporter_get_n_requests (FerryExporter *self)
{
  /* Relaxed: a count. Where the value matters, in a manual exporter, the thread that reads it has also changed it. */
  return atomic_load_explicit (&self->n_requests, memory_order_relaxed);
}

static GHashTable *
new_names (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) ferry_exported_unref);
}

/* ---- finding ---- */

FerryExported *
ferry_exporter_find (FerryExporter *self, const char *name, GError **error)
{
  FerryExported *exported;
  FERRY_AUTO_LOCK (&self->lock);

  exported = g_hash_table_lookup (self->names, name);
  if (exported != NULL)
    return ferry_exported_ref (exported);
  ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                   "No object is exported as '%s'; check the name, or export the object", name);
  return NULL;
}

/* ---- the handle table: references of the other end ----
 *
 * A reference is counted when it is sent. The other end drops only references that it has received. So a reference
 * that is still being sent keeps its object alive. */

static void
handle_free (gpointer data)
{
  Handle *handle = data;

  ferry_exported_unref (handle->exported);
  g_free (handle);
}

static GHashTable *
new_handles (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, handle_free);
}

static gsize
get_value_size (const FerryExported *exported)
{
  return exported->value != NULL ? g_variant_get_size (exported->value) : 0;
}

static gboolean
has_room_locked (FerryExporterSession *self, FerryExported *exported)
{
  return g_hash_table_size (self->handles) < FERRY_MAX_REFERENCES &&
         (self->value_bytes == 0 || self->value_bytes + get_value_size (exported) <= FERRY_MAX_HELD_BYTES);
}

/* Counts one reference of the other end to an object. Fails with FERRY_ERROR_TOO_LARGE and FERRY_ERROR_CLOSED. */
static gboolean
add_reference (FerryExporterSession *self, FerryExported *exported, GError **error)
{
  Handle *handle;
  FERRY_AUTO_LOCK (&self->lock);

  if (self->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport is closed; connect again");
  handle = g_hash_table_lookup (self->handles, &exported->number);
  if (handle == NULL && !has_room_locked (self, exported))
    return ferry_set_error (
      error, FERRY_ERROR_TOO_LARGE,
      "The other end has references to %d objects, or to values of %d MiB, which is the limit; drop some proxies there",
      FERRY_MAX_REFERENCES, FERRY_MAX_HELD_BYTES / (1024 * 1024));
  if (handle == NULL)
    {
      handle = g_new (Handle, 1);
      *handle = (Handle){ferry_exported_ref (exported), 0};
      g_hash_table_insert (self->handles, &exported->number, handle);
      self->value_bytes += get_value_size (exported);
    }
  handle->count++;
  return TRUE;
}

/* Drops references as the other end asks. Ignores a number to which the other end has no reference, and drops at
 * most as many references as it has. So a wrong request harms only the other end. */
static void
drop_references (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  guint64 generation, number, count;
  Handle *handle;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(ttt)")))
    return;
  g_variant_get (arguments, "(ttt)", &generation, &number, &count);
  if (generation != exporter->generation)
    return;
  pthread_mutex_lock (&self->lock);
  handle = g_hash_table_lookup (self->handles, &number);
  if (handle != NULL)
    handle->count -= MIN (count, handle->count);
  if (handle != NULL && handle->count == 0)
    {
      g_hash_table_steal (self->handles, &number);
      self->value_bytes -= get_value_size (handle->exported);
    }
  else
    handle = NULL;
  pthread_mutex_unlock (&self->lock);
  /* Without the lock: freeing the last reference to an object may run application code. */
  g_clear_pointer (&handle, handle_free);
}

/* Frees handles, which it takes, on the main context on which methods are called: freeing the last reference to an
 * object may run application code. */
static void
drop_handles (FerryExporterSession *self, GHashTable *handles)
{
  if (self->context == NULL || g_hash_table_size (handles) == 0 || g_main_context_is_owner (self->context))
    g_hash_table_unref (handles);
  else
    ferry_mailbox_post (self->context, (FerryMailboxFunc) g_hash_table_remove_all, handles,
                        (GDestroyNotify) g_hash_table_unref);
}

/* Returns (transfer full) (nullable): the object that a request names. Fails with FERRY_ERROR_UNKNOWN_OBJECT. */
static FerryExported *
find (FerryExporterSession *self, FerryExporter *exporter, const FerryObjectRoot *root, GError **error)
{
  const Handle *handle = NULL;

  if (root->generation == 0)
    return ferry_exporter_find (exporter, root->name, error);
  FERRY_AUTO_LOCK (&self->lock);
  if (root->generation == exporter->generation)
    handle = g_hash_table_lookup (self->handles, &root->number);
  if (handle != NULL)
    return ferry_exported_ref (handle->exported);
  ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                   "The reference %" G_GUINT64_FORMAT
                   " is of another transport, or was dropped; get a new proxy of the object",
                   root->number);
  return NULL;
}

/* ---- descriptions ---- */

static gboolean
describe (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation, GError **error)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  g_autoptr (FerryExported) exported = NULL;
  FerryObjectRoot root;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(stt)")))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The description's request does not name an object; its arguments must have the type '(stt)'");
  g_variant_get (arguments, "(&stt)", &root.name, &root.generation, &root.number);
  exported = find (self, exporter, &root, error);
  if (exported == NULL)
    return FALSE;
  if (exported->interface == NULL)
    return ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                            "The reference is to a value, and a value has no description; ask for that of an object");
  ferry_invocation_return_value (invocation, ferry_interface_describe (exported->interface));
  return TRUE;
}

/* ---- chains ---- */

typedef struct
{
  FerryExporterSession *session; /* (owned) */
  FerryExporter *exporter;       /* (unowned): the evaluation has a reference */
  FerryInvocation *invocation;   /* (owned) */
} Request;

/* Fills result with a reference to the object, or with the value; result borrows both. A reference is counted in the
 * handle table. */
static gboolean
make_result (Request *self, FerryExported *object, GVariant *value, FerryChainResult *result, GError **error)
{
  if (object == NULL)
    {
      result->value = value;
      return value == NULL || ferry_depth_check (value, error);
    }
  if (!add_reference (self->session, object, error))
    return FALSE;
  result->generation = self->exporter->generation;
  result->number = object->number;
  result->interface = object->interface != NULL ? ferry_interface_get_name (object->interface) : NULL;
  return TRUE;
}

static void
request_done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  Request *self = data;
  g_autoptr (GError) failure = NULL;
  g_autofree char *name = object != NULL ? ferry_exported_dup_name (object) : NULL;
  FerryChainResult result = {.name = name};
  _Alignas(8) guint8 place[FERRY_PACKED_HERE];
  guint8 *packed;
  gsize size;

  if (error == NULL && make_result (self, object, value, &result, &failure))
    {
      packed = ferry_chain_result_pack (&result, place, sizeof place, &size);
      ferry_invocation_return_bytes (self->invocation, packed, size);
      if (packed != place)
        g_free (packed);
      return;
    }
  if (error != NULL)
    {
      failure = ferry_error_copy (error);
      ferry_error_mark_raised (failure);
    }
  ferry_demux_invocation_pass_error (self->invocation, failure);
}

static void
request_free (gpointer data)
{
  Request *self = data;

  g_object_unref (self->session);
  ferry_invocation_unref (self->invocation);
  g_free (self);
}

/* Begins to resolve the chain of a request; the result answers the request. Returns FALSE with an error when the chain
 * has not begun. */
static gboolean
start_chain (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation, GError **error)
{
  FerryChainRequest chain;
  FerryExported *root;
  g_autoptr (FerryEvaluation) evaluation = NULL;
  FerryEvaluationCaller caller = {.done = request_done,
                                  .destroy = request_free,
                                  .invocation = invocation,
                                  .deadline = ferry_invocation_get_deadline (invocation)};
  FerryValueVerdict verdict;
  g_autoptr (GBytes) packed = ferry_demux_invocation_dup_bytes (invocation, &verdict);
  Request *request;

  if (!ferry_chain_request_take (&chain, packed, verdict, error))
    return FALSE;
  root = find (self, exporter, &chain.root, error);
  if (root == NULL)
    {
      g_autofree char *place = ferry_chain_request_to_string (&chain, chain.n_steps);
      g_autofree char *trace = ferry_trace_add_place (NULL, place);

      ferry_error_set_trace (*error, trace);
      ferry_chain_request_clear (&chain);
      return FALSE;
    }
  request = g_new (Request, 1);
  *request = (Request){g_object_ref (self), exporter, ferry_invocation_ref (invocation)};
  caller.data = request;
  evaluation = ferry_evaluation_new (exporter, exporter->context, &chain, root, &caller);
  ferry_evaluation_start (evaluation);
  return TRUE;
}

/* ---- streams: subscriptions, and watches of whether the exporter listens ---- */

/* Adds a stream. The stream removes itself from the session when it ends. Fails with FERRY_ERROR_TOO_LARGE when
 * there are too many. */
static gboolean
add_sender (FerryExporterSession *self, GHashTable *senders, FerryPacedSender *sender, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport has ended; connect again");
  if (g_hash_table_size (senders) >= FERRY_MAX_SUBSCRIBERS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The transport has %d %s, and cannot have more; end some of them first",
                            FERRY_MAX_SUBSCRIBERS, senders == self->watches ? "watches" : "subscriptions");
  g_hash_table_add (senders, ferry_paced_sender_ref (sender));
  return TRUE;
}

/* The caller must hold a reference to the stream, so that nothing is freed under the lock. */
static void
remove_sender (FerryExporterSession *self, GHashTable *senders, FerryPacedSender *sender)
{
  FERRY_AUTO_LOCK (&self->lock);
  g_hash_table_remove (senders, sender);
}

/* Returns (element-type FerryPacedSender) (transfer full): the streams. by_name: (nullable): only the subscriptions
 * that found this object by its name. */
static GPtrArray *
list_senders (FerryExporterSession *self, GHashTable *senders, FerryExported *by_name)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_paced_sender_unref);
  GHashTableIter iter;
  gpointer sender;
  FERRY_AUTO_LOCK (&self->lock);

  g_hash_table_iter_init (&iter, senders);
  while (g_hash_table_iter_next (&iter, &sender, NULL))
    if (by_name == NULL || ferry_subscriber_has_by_name (sender, by_name))
      g_ptr_array_add (list, ferry_paced_sender_ref (sender));
  return list;
}

/* Ends streams with reason. by_name: (nullable): ends only the subscriptions that found this object by its name. */
static void
end_senders (FerryExporterSession *self, GHashTable *senders, FerryExported *by_name, const GError *reason)
{
  g_autoptr (GPtrArray) list = list_senders (self, senders, by_name);

  for (guint i = 0; i < list->len; i++)
    ferry_paced_sender_end (list->pdata[i], reason);
}

typedef struct
{
  FerryExporterSession *session; /* const: (owned) */
  FerryPacedSender *sender;      /* const: (unowned) */
  int listening;   /* only for watch_make(), also the next field: the value in the last item; -1 before the first */
  guint64 n_names; /* FerryExporter.n_names at the last item */
} Watch;

static GVariant *
watch_make (gpointer data)
{
  Watch *self = data;
  FERRY_USE_WEAK (FerryExporter, exporter, self->session->exporter);
  gboolean listening = exporter != NULL && ferry_exporter_get_listening (exporter);
  guint64 n_names = exporter != NULL ? atomic_load (&exporter->n_names) : 0;

  if (exporter == NULL || (self->listening == listening && self->n_names == n_names))
    return NULL;
  self->listening = listening;
  self->n_names = n_names;
  return g_variant_ref_sink (g_variant_new ("(bt)", listening, exporter->generation));
}

static void
watch_gone (gpointer data)
{
  Watch *self = data;

  remove_sender (self->session, self->session->watches, self->sender);
}

static void
watch_free (gpointer data)
{
  Watch *self = data;

  g_object_unref (self->session);
  g_free (self);
}

static const FerryPacedSenderFuncs watch_funcs = {watch_make, watch_gone, watch_free};

static void
start_watch (FerryExporterSession *self, FerryInvocation *invocation)
{
  g_autoptr (FerryPacedSender) sender = NULL;
  g_autoptr (GError) error = NULL;
  Watch *watch = g_new0 (Watch, 1);

  watch->session = g_object_ref (self);
  watch->listening = -1;
  watch->sender = sender = ferry_paced_sender_new (invocation, &watch_funcs, watch);
  if (!add_sender (self, self->watches, sender, &error))
    ferry_paced_sender_end (sender, error);
  else if (ferry_invocation_is_cancelled (invocation))
    watch_gone (watch);
  else
    ferry_paced_sender_kick (sender);
}

static void
tell_watches (FerryExporterSession *self)
{
  g_autoptr (GPtrArray) watches = list_senders (self, self->watches, NULL);

  for (guint i = 0; i < watches->len; i++)
    ferry_paced_sender_kick (watches->pdata[i]);
}

/* Notifies all watches that the exporter has started or stopped listening, or that a name was added or removed. why:
 * (nullable): ends subscriptions with this message. These are all of them, or those that found left (nullable) by its
 * name.
 */
static void
tell_sessions (FerryExporter *self, FerryExported *left, const char *why)
{
  g_autoptr (GError) reason = why != NULL ? g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING, why) : NULL;
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      FerryExporterSession *session = sessions->pdata[i];

      tell_watches (session);
      if (reason != NULL)
        end_senders (session, session->subscriptions, left, reason);
    }
}

/* ---- subscriptions ---- */

void
ferry_exporter_forget_subscription (gpointer session, FerryPacedSender *subscription)
{
  FerryExporterSession *self = session;

  remove_sender (self, self->subscriptions, subscription);
}

static gboolean
check_name (FerryExporter *exporter, const FerryObjectRoot *root, FerryExported *exported, GError **error)
{
  g_autoptr (FerryExported) found = root->generation == 0 ? ferry_exporter_find (exporter, root->name, NULL) : NULL;

  if (root->generation != 0 || found == exported)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                          "The object was unexported meanwhile; subscribe again when an object has its name");
}

static gboolean
begin_subscriber (FerryExporterSession *self, FerryExporter *exporter, FerryPacedSender *subscription,
                  const FerryObjectRoot *root, FerryExported *exported, GError **error)
{
  if (!add_sender (self, self->subscriptions, subscription, error))
    return FALSE;
  ferry_subscriber_begin (subscription);
  /* Check again: a stop, or the removal of a name, has ended only the subscriptions that were added before it. */
  return ferry_exporter_check_listening (exporter, FALSE, error) && check_name (exporter, root, exported, error);
}

static void
start_subscriber (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation)
{
  FerryFollowRequest request;
  g_autoptr (FerryExported) exported = NULL;
  g_autoptr (FerryPacedSender) subscription = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_follow_request_take (&request, ferry_invocation_get_arguments (invocation), &error))
    {
      ferry_demux_invocation_pass_error (invocation, error);
      return;
    }
  if (ferry_exporter_check_listening (exporter, FALSE, &error))
    exported = find (self, exporter, &request.root, &error);
  if (exported != NULL)
    subscription = ferry_subscriber_new (invocation, ferry_exported_ref (exported), &request, self, &error);
  if (subscription == NULL)
    ferry_demux_invocation_pass_error (invocation, error);
  else if (begin_subscriber (self, exporter, subscription, &request.root, exported, &error))
    ferry_paced_sender_kick (subscription);
  else
    ferry_paced_sender_end (subscription, error);
  ferry_follow_request_clear (&request);
}

/* ---- requests ---- */

/* Marks the requests that have come by now. Called before the exporter stops listening. */
static void
mark_stop (FerryExporterSession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->last_before = ferry_demux_get_n_received (self->demux);
}

static gboolean
was_before (FerryExporterSession *self, FerryInvocation *invocation)
{
  FERRY_AUTO_LOCK (&self->lock);
  return ((FerryDemuxInvocation *) invocation)->number <= self->last_before;
}

static void
answer (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation)
{
  const char *method = ferry_invocation_get_method (invocation);
  g_autoptr (GError) error = NULL;
  gboolean answered;

  /* Check in this order: when this thread sees that the exporter was stopped, last_before is up to date. */
  if (!ferry_exporter_check_listening (exporter, FALSE, NULL) &&
      !ferry_exporter_check_listening (exporter, was_before (self, invocation), &error))
    answered = FALSE;
  else if (g_str_equal (method, FERRY_OBJECT_METHOD_VIEW))
    answered = start_chain (self, exporter, invocation, &error);
  else
    answered = describe (self, exporter, invocation, &error);
  if (answered)
    return;
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_REFUSED))
    ferry_invocation_refuse (invocation, error->message);
  else
    ferry_demux_invocation_pass_error (invocation, error);
}

static void
request_came (FerryInvocation *invocation, gpointer data)
{
  FerryExporterSession *self = data;
  const char *method = ferry_invocation_get_method (invocation);
  FERRY_USE_WEAK (FerryExporter, exporter, self->exporter);

  /* Chains have an order: a chain lets the next request enter when it has its place at its object. A subscription does
   * so when it hears of changes. */
  if (!g_str_equal (method, FERRY_OBJECT_METHOD_VIEW) && !g_str_equal (method, FERRY_OBJECT_METHOD_FOLLOW))
    ferry_demux_let_next ();
  if (exporter == NULL)
    {
      ferry_invocation_refuse (invocation, "The exporter is gone");
      return;
    }
  /* Relaxed: a count. */
  atomic_fetch_add_explicit (&exporter->n_requests, 1, memory_order_relaxed);
  if (g_str_equal (method, FERRY_OBJECT_METHOD_RELEASE))
    drop_references (self, exporter, invocation);
  else if (ferry_invocation_is_one_way (invocation))
    /* The result may be a reference, which the other end would never drop. */
    g_debug ("A one-way call of '%s' is ignored: only its answer is of use", method);
  else if (g_str_equal (method, FERRY_OBJECT_METHOD_WATCH))
    start_watch (self, invocation);
  else if (g_str_equal (method, FERRY_OBJECT_METHOD_FOLLOW))
    start_subscriber (self, exporter, invocation);
  else
    answer (self, exporter, invocation);
}

static const char *const methods[] = {FERRY_OBJECT_METHOD_VIEW, FERRY_OBJECT_METHOD_WATCH, FERRY_OBJECT_METHOD_DESCRIBE,
                                      FERRY_OBJECT_METHOD_FOLLOW, FERRY_OBJECT_METHOD_RELEASE};

/* ---- beginning and end ---- */

/* Returns (nullable) the steps of a requested chain as text, for logs. */
static char *
describe_request (FerryInvocation *invocation)
{
  FerryValueVerdict verdict;
  g_autoptr (GBytes) packed = ferry_demux_invocation_dup_bytes (invocation, &verdict);
  FerryChainRequest chain;
  char *words;

  if (!g_str_equal (ferry_invocation_get_method (invocation), FERRY_OBJECT_METHOD_VIEW) ||
      !ferry_chain_request_take (&chain, packed, verdict, NULL))
    return NULL;
  words = ferry_chain_request_to_string (&chain, chain.n_steps);
  ferry_chain_request_clear (&chain);
  return words;
}

/* Stops answering, drops all references of the other end, and ends its streams with reason. Called once. */
static void
close_session (FerryExporterSession *self, const GError *reason)
{
  GHashTable *handles;

  pthread_mutex_lock (&self->lock);
  self->closed = TRUE;
  handles = self->handles;
  self->handles = new_handles ();
  pthread_mutex_unlock (&self->lock);
  drop_handles (self, handles);
  ferry_transport_unwatch_end (ferry_demux_get_transport (self->demux), G_OBJECT (self));
  ferry_demux_stop (self->demux);
  end_senders (self, self->subscriptions, NULL, reason);
  end_senders (self, self->watches, NULL, reason);
  /* The handlers have references to the session: remove them, so that it can be freed. */
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    ferry_demux_remove_handler (self->demux, methods[i]);
}

/* Removes and closes a session, if the exporter still has it. */
static void
drop_session (FerryExporter *self, FerryExporterSession *session)
{
  g_autoptr (FerryExporterSession) held = ferry_exporter_steal_session (self, session);
  g_autoptr (GError) reason = g_error_new_literal (
    FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter has left the transport; add the transport to an exporter again");

  if (held == NULL)
    return;
  close_session (held, reason);
  pthread_mutex_lock (&self->lock);
  self->n_closing--;
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_all (&self->closing);
}

/* Keeps a weak reference to the exporter for a worker that takes the place of the one that has ended. */
static void
leave_trace (FerryTransport *transport, FerryExporter *exporter)
{
  GObject *place = ferry_link_transport_get_place (transport);

  if (place != NULL)
    g_object_set_data_full (place, EXPORTER_KEY, ferry_weak_ref (exporter->weak), ferry_weak_unref);
}

/* Does nothing when the exporter is being finalized: then it drops all its sessions. */
static void
transport_ended (FerryTransport *transport, GObject *session)
{
  FerryExporterSession *self = FERRY_EXPORTER_SESSION (session);
  FERRY_USE_WEAK (FerryExporter, exporter, self->exporter);

  if (exporter == NULL)
    return;
  leave_trace (transport, exporter);
  drop_session (exporter, self);
}

void
ferry_exporter_move (GObject *place, FerryTransport *to)
{
  FerryWeak *last = g_object_get_data (place, EXPORTER_KEY);
  g_autoptr (FerryExporter) exporter = last != NULL ? ferry_weak_get (last) : NULL;

  /* The transport is new, and has no other demux. */
  if (exporter != NULL)
    ferry_exporter_add_transport (exporter, to, NULL);
}

/* begins: whether requests are taken now. */
static gboolean
start_session (FerryExporterSession *self, FerryTransport *transport, gboolean begins, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    ferry_demux_add_handler (self->demux, methods[i], request_came, g_object_ref (self), g_object_unref);
  if (!(begins ? ferry_demux_start (self->demux, error) : ferry_transport_check_no_calls (transport, error)))
    return FALSE;
  ferry_transport_watch_end (transport, transport_ended, G_OBJECT (self));
  if (ferry_transport_get_closed (transport))
    transport_ended (transport, G_OBJECT (self));
  return TRUE;
}

static FerryExporterSession *
new_session (FerryExporter *exporter, FerryTransport *transport)
{
  FerryExporterSession *self = g_object_new (FERRY_TYPE_EXPORTER_SESSION, NULL);

  self->exporter = ferry_weak_ref (exporter->weak);
  self->demux = ferry_demux_new (transport);
  ferry_demux_set_describe_func (self->demux, describe_request);
  ferry_demux_set_ordered (self->demux);
  if (exporter->context != NULL)
    {
      self->context = g_main_context_ref (exporter->context);
      ferry_demux_set_context (self->demux, self->context);
    }
  else
    ferry_demux_set_threads (self->demux, exporter->n_threads < 0 ? 1 : exporter->n_threads);
  return self;
}

static void
ferry_exporter_session_finalize (GObject *object)
{
  FerryExporterSession *self = FERRY_EXPORTER_SESSION (object);

  ferry_weak_unref (self->exporter);
  g_clear_object (&self->demux);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_hash_table_unref (self->handles);
  g_hash_table_unref (self->subscriptions);
  g_hash_table_unref (self->watches);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_exporter_session_parent_class)->finalize (object);
}

static void
ferry_exporter_session_class_init (FerryExporterSessionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_exporter_session_finalize;
}

static void
ferry_exporter_session_init (FerryExporterSession *self)
{
  pthread_mutex_init (&self->lock, NULL);
  self->handles = new_handles ();
  self->subscriptions = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) ferry_paced_sender_unref, NULL);
  self->watches = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) ferry_paced_sender_unref, NULL);
}

/* ---- objects, types and functions ---- */

/* left: (nullable): the object that has lost its name. */
static void
tell_names (FerryExporter *self, FerryExported *left)
{
  atomic_fetch_add (&self->n_names, 1);
  tell_sessions (self, left,
                 left != NULL ? "The object was unexported; subscribe again when an object has its name" : NULL);
}

static gboolean
export_locked (FerryExporter *self, const char *name, FerryExported *exported, FerryInterface *interface,
               GError **error)
{
  if (g_hash_table_contains (self->names, name))
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "'%s' is exported already; unexport it first", name);
  else if (exported->interface != interface || exported->name != NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "The object is exported already, as '%s' with the interface %s; unexport it first, or use that "
                     "name and interface",
                     exported->name != NULL ? exported->name : "", ferry_interface_get_name (exported->interface));
  else
    return TRUE;
  return FALSE;
}

/**
 * ferry_exporter_export:
 * @self: an exporter
 * @name: the name by which other processes reach the object, 1 to 255 bytes
 * @object: the object; it must be of the interface's type
 * @interface: the members of the object that other processes may use; the interface cannot be changed from now on
 * @policy: how many callers the object has at a time
 * @error: return location for an error
 *
 * Exports an object. Any thread, at any time.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the name is taken, or the object has another name or another interface
 * already.
 *
 * Returns: whether the object is exported
 */
gboolean
ferry_exporter_export (FerryExporter *self, const char *name, GObject *object, FerryInterface *interface,
                       FerryCallPolicy policy, GError **error)
{
  g_autoptr (FerryExported) exported = NULL;
  gboolean is_exported;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (name != NULL && name[0] != '\0' && strlen (name) <= FERRY_MEMBER_NAME_MAX, FALSE);
  g_return_val_if_fail (FERRY_IS_INTERFACE (interface), FALSE);
  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);
  ferry_return_val_if_fail (
    g_type_is_a (G_OBJECT_TYPE (object), ferry_interface_get_object_type (interface)), FALSE,
    "object '%s' is a '%s', and interface '%s' is for '%s'; export it with an interface for its type", name,
    G_OBJECT_TYPE_NAME (object), ferry_interface_get_name (interface),
    g_type_name (ferry_interface_get_object_type (interface)));

  ferry_interface_seal (interface);
  pthread_mutex_lock (&self->lock);
  exported = ferry_object_table_find (self->table, object, interface, policy);
  is_exported = export_locked (self, name, exported, interface, error);
  if (is_exported)
    {
      ferry_exported_set_name (exported, name);
      /* The object's record may have been made for its type, with the type's policy: the object gets its own policy.
       * Relaxed: calls under way keep the policy they began with. */
      atomic_store_explicit (&exported->policy, policy, memory_order_relaxed);
      g_hash_table_insert (self->names, g_strdup (name), ferry_exported_ref (exported));
    }
  pthread_mutex_unlock (&self->lock);
  if (is_exported)
    tell_names (self, NULL);
  return is_exported;
}

/**
 * ferry_exporter_export_type:
 * @self: an exporter
 * @interface: the members that other processes may use of objects of its type; it cannot be changed from now on
 * @policy: how many callers each object of the type has at a time
 *
 * Lets methods, properties and containers of exported objects return objects of a type, and of types derived from it.
 * Where several types fit an object, the closest is used. Another process can use such an object as long as it has a
 * reference to the object. Any thread, at any time.
 */
void
ferry_exporter_export_type (FerryExporter *self, FerryInterface *interface, FerryCallPolicy policy)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));
  g_return_if_fail (FERRY_IS_INTERFACE (interface));

  ferry_interface_seal (interface);
  ferry_object_table_add_type (self->table, interface, policy);
}

/**
 * ferry_exporter_unexport:
 * @self: an exporter
 * @name: the name of an object
 *
 * Removes a name. References of other processes to the object stay valid until they are dropped. Replicas that follow
 * the object by its name follow the next object that is exported by that name. Any thread.
 *
 * Returns: whether there was an object of that name
 */
gboolean
ferry_exporter_unexport (FerryExporter *self, const char *name)
{
  g_autofree char *key = NULL;
  g_autoptr (FerryExported) exported = NULL;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  g_hash_table_steal_extended (self->names, name, (gpointer *) &key, (gpointer *) &exported);
  if (exported != NULL)
    ferry_exported_set_name (exported, NULL);
  pthread_mutex_unlock (&self->lock);
  if (exported != NULL)
    tell_names (self, exported);
  return exported != NULL;
}

/**
 * ferry_exporter_dup_object:
 * @self: an exporter
 * @name: the name of an object
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the object that is exported by that name
 */
GObject *
ferry_exporter_dup_object (FerryExporter *self, const char *name)
{
  g_autoptr (FerryExported) exported = NULL;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  exported = ferry_exporter_find (self, name, NULL);
  return exported != NULL ? g_object_ref (exported->object) : NULL;
}

/**
 * ferry_exporter_add_function: (skip)
 * @self: an exporter
 * @name: the function's name, 1 to 255 bytes; no other function of the exporter may have it
 * @func: (scope notified) (closure user_data) (destroy destroy): called with an object and further arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the exporter is finalized; on any thread
 *
 * Adds a function to which other processes may pass exported objects: see [method@Ferry.Proxy.resolve]. The call
 * follows the object's [enum@Ferry.CallPolicy]. Any thread.
 */
void
ferry_exporter_add_function (FerryExporter *self, const char *name, FerryMethodFunc func, gpointer user_data,
                             GDestroyNotify destroy)
{
  gboolean is_new;

  g_return_if_fail (FERRY_IS_EXPORTER (self));
  g_return_if_fail (name != NULL && name[0] != '\0' && strlen (name) <= FERRY_MEMBER_NAME_MAX);
  g_return_if_fail (func != NULL);

  is_new = ferry_object_table_add_function (self->table, name, &(const FerryPassFunction){func, user_data, destroy});
  if (!is_new && destroy != NULL)
    destroy (user_data);
  ferry_return_if_fail (is_new, "the exporter has a function '%s' already; use another name", name);
}

/**
 * ferry_exporter_add_function_full: (rename-to ferry_exporter_add_function)
 * @self: an exporter
 * @name: the function's name, 1 to 255 bytes; no other function of the exporter may have it
 * @func: (scope notified) (closure user_data) (destroy destroy): called with an object and further arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the exporter is finalized; on any thread
 *
 * Adds a function that may fail, as [method@Ferry.Exporter.add_function] does one that answers each call itself. This
 * is the form for languages that throw: the caller gets what the function throws. Any thread.
 */
void
ferry_exporter_add_function_full (FerryExporter *self, const char *name, FerryMethodFuncFull func, gpointer user_data,
                                  GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));
  g_return_if_fail (func != NULL);

  ferry_exporter_add_function (self, name, ferry_method_run_failing,
                               ferry_failing_new (G_CALLBACK (func), user_data, destroy), ferry_failing_free);
}

/* ---- where methods are called ---- */

/* any: returns (transfer full) (nullable) the main context that was set; NULL for the own one of a manual exporter. */
static GMainContext *
dup_set_context (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->context != NULL && !self->is_manual ? g_main_context_ref (self->context) : NULL;
}

static gboolean
get_manual (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->is_manual;
}

static int
get_threads (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->n_threads;
}

/* Sets where methods are called, and notifies of the properties that change with that. context: (nullable).
 * n_threads: see FerryExporter.n_threads. Emits a critical message when the exporter has a transport already; it begins
 * with what, the name of what is set. */
static void
set_place (FerryExporter *self, gboolean is_manual, GMainContext *context, int n_threads, const char *what)
{
  g_autoptr (GMainContext) before = NULL;
  gboolean was_manual;
  int n_before;

  pthread_mutex_lock (&self->lock);
  if (self->sessions->len > 0)
    {
      pthread_mutex_unlock (&self->lock);
      ferry_critical ("%s: the exporter has a transport already; set this before ferry_exporter_add_transport()", what);
      return;
    }
  was_manual = self->is_manual;
  before = self->context;
  n_before = self->n_threads;
  self->is_manual = is_manual;
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->n_threads = n_threads;
  pthread_mutex_unlock (&self->lock);
  if (is_manual != was_manual)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MANUAL]);
  /* A manual exporter's context is its own, and no property. */
  if ((is_manual ? NULL : context) != (was_manual ? NULL : before))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONTEXT]);
  if (n_threads != n_before)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THREADS]);
}

/**
 * ferry_exporter_set_context: (set-property context)
 * @self: an exporter without a transport
 * @context: (nullable): a main context, or %NULL for the default one
 *
 * Sets [property@Ferry.Exporter:context]. Any thread.
 */
void
ferry_exporter_set_context (FerryExporter *self, GMainContext *context)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));

  set_place (self, FALSE, context != NULL ? context : g_main_context_default (), -1, "ferry_exporter_set_context()");
}

static void
set_threads (FerryExporter *self, int n_threads)
{
  /* -1 is also what the property has while methods are called elsewhere: it unsets no other place. */
  if (n_threads >= 0 || get_threads (self) >= 0)
    set_place (self, FALSE, NULL, n_threads, "FerryExporter:threads");
}

static void
set_manual (FerryExporter *self, gboolean manual)
{
  g_autoptr (GMainContext) context = NULL;

  if (manual == get_manual (self))
    return;
  context = manual ? g_main_context_new () : NULL;
  set_place (self, manual, context, -1, "FerryExporter:manual");
}

guint
ferry_exporter_get_n_pending (FerryExporter *self)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (self);
  guint n = 0;

  for (guint i = 0; i < sessions->len; i++)
    n += ferry_demux_get_n_pending (((FerryExporterSession *) sessions->pdata[i])->demux);
  return n;
}

/**
 * ferry_exporter_process_requests:
 * @self: an exporter that answers manually
 *
 * Answers the requests that have come, and does not wait for more. It returns even if requests come all the time:
 * requests that come while it runs may be left for its next call. One thread at a time.
 *
 * Returns: how many requests were begun
 */
guint
ferry_exporter_process_requests (FerryExporter *self)
{
  guint64 before;
  guint64 wanted;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), 0);
  ferry_return_val_if_fail (self->is_manual, 0, NOT_MANUAL);

  before = ferry_exporter_get_n_requests (self);
  wanted = before + MAX (ferry_exporter_get_n_pending (self), 1);
  while (ferry_exporter_get_n_requests (self) < wanted && g_main_context_iteration (self->context, FALSE))
    ;
  return (guint) (ferry_exporter_get_n_requests (self) - before);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer context)
{
  g_main_context_wakeup (context);
}

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/**
 * ferry_exporter_poll:
 * @self: an exporter that answers manually
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Waits until a request comes, and answers all requests that have come by then. One thread at a time.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED when no request came; not to wait, call
 * [method@Ferry.Exporter.process_requests], for which that is no error. Fails with %FERRY_ERROR_BUSY when it is called
 * by a function that answers a request.
 *
 * Returns: whether a request was begun
 */
gboolean
ferry_exporter_poll (FerryExporter *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (GSource) timer = NULL;
  gboolean over = timeout == 0;
  guint64 before;
  gulong id;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  ferry_return_val_if_fail (self->is_manual, FALSE, NOT_MANUAL);

  /* The context is the exporter's own: who has it answers a request. */
  if (g_main_context_is_owner (self->context))
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "The exporter is answering a request; poll again when that request is answered");
  before = ferry_exporter_get_n_requests (self);
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self->context, NULL) : 0;
  if (timeout >= 0)
    {
      timer = ferry_limit_source_new (ferry_deadline_after (timeout));
      g_source_set_callback (timer, set_true, &over, NULL);
      g_source_attach (timer, self->context);
    }
  while (ferry_exporter_get_n_requests (self) == before && !over && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (self->context, TRUE);
  g_cancellable_disconnect (cancellable, id);
  if (timer != NULL)
    g_source_destroy (timer);
  ferry_exporter_process_requests (self);
  if (ferry_exporter_get_n_requests (self) != before)
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    ferry_set_error (error, FERRY_ERROR_TIMED_OUT,
                     "No request came within the timeout; poll again, or with a longer timeout");
  return FALSE;
}

/* ---- transports ---- */

gboolean
ferry_exporter_add_session (FerryExporter *self, gpointer session)
{
  FERRY_AUTO_LOCK (&self->lock);
  g_ptr_array_add (self->sessions, g_object_ref (session));
  return self->begun;
}

gpointer
ferry_exporter_steal_session (FerryExporter *self, gpointer session)
{
  guint index;
  FERRY_AUTO_LOCK (&self->lock);

  if (!g_ptr_array_find (self->sessions, session, &index))
    return NULL;
  self->n_closing++;
  return g_ptr_array_steal_index_fast (self->sessions, index);
}

static gboolean
has_closed_sessions (gpointer data)
{
  FerryExporter *self = data;
  FERRY_AUTO_LOCK (&self->lock);

  return self->n_closing == 0;
}

void
ferry_exporter_wait_for_methods (gpointer session)
{
  ferry_demux_wait_until_quiet (((FerryExporterSession *) session)->demux);
}

void
ferry_exporter_leave (FerryExporter *self)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (self);
  g_autoptr (GHashTable) names = NULL;

  for (guint i = 0; i < sessions->len; i++)
    drop_session (self, sessions->pdata[i]);
  ferry_wait_queue_wait (&self->closing, NULL, has_closed_sessions, self, G_MAXINT64, NULL, NULL, NULL);
  while (self->is_manual && g_main_context_iteration (self->context, FALSE))
    ;
  pthread_mutex_lock (&self->lock);
  names = self->names;
  self->names = new_names ();
  pthread_mutex_unlock (&self->lock);
}

/**
 * ferry_exporter_add_transport:
 * @self: an exporter
 * @transport: the transport over which requests come
 * @error: return location for an error
 *
 * Answers requests that come over a transport, until the transport ends. Requests wait until the exporter is started
 * for the first time; at most 1,024 of them, and no longer than their callers wait. After a stop, the answer is
 * %FERRY_ERROR_NOT_LISTENING until the exporter is started again. A program that exports nothing for now says so by
 * [method@Ferry.Exporter.stop]. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING when the transport has a [class@Ferry.Demux] already.
 *
 * Returns: whether the exporter answers over the transport from now on
 */
gboolean
ferry_exporter_add_transport (FerryExporter *self, FerryTransport *transport, GError **error)
{
  g_autoptr (FerryExporterSession) session = NULL;
  gboolean begins;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);

  session = new_session (self, transport);
  begins = ferry_exporter_add_session (self, session);
  if (start_session (session, transport, begins, error))
    return TRUE;
  drop_session (self, session);
  return FALSE;
}

GPtrArray *
ferry_exporter_list_sessions (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return g_ptr_array_copy (self->sessions, (GCopyFunc) (GCallback) g_object_ref, NULL);
}

static guint
get_n_transports (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->sessions->len;
}

static guint64
get_n_references (FerryExporter *self)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (self);
  guint64 n = 0;

  for (guint i = 0; i < sessions->len; i++)
    {
      FerryExporterSession *session = sessions->pdata[i];
      FERRY_AUTO_LOCK (&session->lock);

      n += g_hash_table_size (session->handles);
    }
  return n;
}

/* ---- listening ---- */

gboolean
ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->listening)
    return TRUE;
  if (before)
    return ferry_object_table_check_waiting (self->table, error);
  return ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                          "The exporter does not listen; wait until it listens, or start it");
}

/* Has the sessions that were added before the first start, or stop, take requests. */
static void
begin_sessions (GPtrArray *sessions)
{
  for (guint i = 0; i < sessions->len; i++)
    {
      FerryExporterSession *session = sessions->pdata[i];
      g_autoptr (GError) error = NULL;

      if (!ferry_transport_get_closed (ferry_demux_get_transport (session->demux)) &&
          !ferry_demux_start (session->demux, &error))
        g_warning ("An exporter answers nothing over one of its transports: %s", error->message);
    }
}

/* Starts or stops listening, and notifies the sessions. Returns whether listening has changed. */
static gboolean
set_listening (FerryExporter *self, gboolean listening, FerryStopMode mode)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (self);
  /* A second stop must not mark the sessions again: requests that came after the first stop stay refused. */
  gboolean stops = !listening && ferry_exporter_get_listening (self);
  g_autoptr (GPtrArray) early = NULL;
  gboolean changed;

  for (guint i = 0; i < sessions->len && stops; i++)
    mark_stop (sessions->pdata[i]);
  pthread_mutex_lock (&self->lock);
  changed = self->listening != listening;
  self->listening = listening;
  if (!self->begun)
    early = g_ptr_array_copy (self->sessions, (GCopyFunc) (GCallback) g_object_ref, NULL);
  self->begun = TRUE;
  if (changed)
    ferry_object_table_set_refusing (self->table, !listening && mode == FERRY_STOP_MODE_REFUSE);
  pthread_mutex_unlock (&self->lock);
  if (early != NULL)
    begin_sessions (early);
  if (!changed)
    return FALSE;
  /* This lists the sessions again: a session that was added before the flag was set is notified only here. */
  tell_sessions (self, NULL, listening ? NULL : "The exporter was stopped; subscribe again when it listens");
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING]);
  return TRUE;
}

/**
 * ferry_exporter_start:
 * @self: an exporter
 *
 * Starts listening, over the transports that the exporter has and those that are added later. Requests that came before
 * the first start are answered now. Does nothing when the exporter listens already. Any thread.
 */
void
ferry_exporter_start (FerryExporter *self)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));

  set_listening (self, TRUE, FERRY_STOP_MODE_DRAIN);
}

static void
refuse_waiting (FerryExporter *self)
{
  g_autoptr (GPtrArray) list = ferry_object_table_list (self->table);
  g_autoptr (GError) error = NULL;

  /* The exporter may have been started again since. */
  if (ferry_object_table_check_waiting (self->table, &error))
    return;
  for (guint i = 0; i < list->len; i++)
    ferry_evaluation_refuse_waiting (list->pdata[i], error);
}

/**
 * ferry_exporter_stop:
 * @self: an exporter
 * @mode: what happens to requests that came before the stop
 *
 * Stops listening; the exporter may be started again. Calls that have begun continue to their answers. Later requests
 * are answered with %FERRY_ERROR_NOT_LISTENING, and subscriptions end with the same error. References stay valid. The
 * function does not wait for calls to end. For an exporter that was never started, it says that requests need not wait
 * for that. Otherwise it does nothing when the exporter does not listen. Any thread, also in a method.
 */
void
ferry_exporter_stop (FerryExporter *self, FerryStopMode mode)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));

  if (set_listening (self, FALSE, mode) && mode == FERRY_STOP_MODE_REFUSE)
    refuse_waiting (self);
}

gboolean
ferry_exporter_get_listening (FerryExporter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->listening;
}

/* ---- the object ---- */

static void
ferry_exporter_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_THREADS] = G_CALLBACK (get_threads),
    [PROP_MANUAL] = G_CALLBACK (get_manual),
    [PROP_LISTENING] = G_CALLBACK (ferry_exporter_get_listening),
    [PROP_N_TRANSPORTS] = G_CALLBACK (get_n_transports),
    [PROP_N_REFERENCES] = G_CALLBACK (get_n_references),
  };

  if (property_id == PROP_CONTEXT)
    g_value_take_boxed (value, dup_set_context (FERRY_EXPORTER (object)));
  else
    ferry_property_get (object, getters[property_id], value);
}

static void
ferry_exporter_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryExporter *self = FERRY_EXPORTER (object);

  switch (property_id)
    {
    case PROP_CONTEXT:
      ferry_exporter_set_context (self, g_value_get_boxed (value));
      break;
    case PROP_THREADS:
      set_threads (self, g_value_get_int (value));
      break;
    case PROP_MANUAL:
      set_manual (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_exporter_dispose (GObject *object)
{
  FerryExporter *self = FERRY_EXPORTER (object);
  g_autoptr (GPtrArray) sessions = NULL;

  ferry_weak_end (self->weak);
  sessions = ferry_exporter_list_sessions (self);
  for (guint i = 0; i < sessions->len; i++)
    drop_session (self, sessions->pdata[i]);

  G_OBJECT_CLASS (ferry_exporter_parent_class)->dispose (object);
}

static void
ferry_exporter_finalize (GObject *object)
{
  FerryExporter *self = FERRY_EXPORTER (object);

  g_hash_table_unref (self->names);
  g_ptr_array_unref (self->sessions);
  ferry_wait_queue_clear (&self->closing);
  ferry_object_table_close (self->table);
  ferry_weak_unref (self->weak);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_exporter_parent_class)->finalize (object);
}

static void
install_places (void)
{
  /**
   * FerryExporter:context:
   *
   * The main context on which methods are called, and properties read and written: for objects that belong to one, as
   * widgets do. %NULL, the default: they are called on threads. To set it to %NULL sets the default main context. Set
   * before the first transport is added, on any thread.
   */
  properties[PROP_CONTEXT] = g_param_spec_boxed ("context", NULL, NULL, G_TYPE_MAIN_CONTEXT, FERRY_SETTABLE);

  /**
   * FerryExporter:threads:
   *
   * How many threads of the exporter's own each transport has, on which methods are called, and properties read and
   * written. With -1, the default, they are called where the description of the class says, or where
   * [property@Ferry.Exporter:context] or [property@Ferry.Exporter:manual] says. Set before the first transport is
   * added, on any thread.
   *
   * Objects with the policy %FERRY_CALL_POLICY_SERIAL have one caller at a time, and the calls of each proxy in their
   * order. Others have to be safe for use by several threads, where calls overlap. After a method that answers later,
   * its chain of operations continues on a thread of a pool.
   *
   * With 0, methods are called on the thread that receives for the transport, and a call takes one change of threads
   * less. But while a method runs, nothing is received over the transport, not even a cancel. The method must not wait
   * for anything that comes over that transport. Use it for objects with quick methods.
   */
  properties[PROP_THREADS] = g_param_spec_int ("threads", NULL, NULL, -1, G_MAXINT, -1, FERRY_SETTABLE);

  /**
   * FerryExporter:manual:
   *
   * Whether requests wait until [method@Ferry.Exporter.process_requests] or [method@Ferry.Exporter.poll] is called.
   * These functions answer the requests, on the thread that calls them. Set before the first transport is added, on any
   * thread.
   */
  properties[PROP_MANUAL] = g_param_spec_boolean ("manual", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
install_state (void)
{
  /**
   * FerryExporter:listening:
   *
   * Whether the exporter was started and not stopped. A change is notified on the thread that starts or stops the
   * exporter.
   */
  properties[PROP_LISTENING] = g_param_spec_boolean ("listening", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryExporter:n-transports:
   *
   * The number of transports over which the exporter answers. Changes are not notified. Any thread.
   */
  properties[PROP_N_TRANSPORTS] = g_param_spec_uint ("n-transports", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);

  /**
   * FerryExporter:n-references:
   *
   * How many references other processes have to objects of the exporter. An object counts once for each transport over
   * which another process has a reference to it. Changes are not notified. Any thread.
   */
  properties[PROP_N_REFERENCES] = g_param_spec_uint64 ("n-references", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
}

static void
ferry_exporter_class_init (FerryExporterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_exporter_get_property;
  object_class->set_property = ferry_exporter_set_property;
  ferry_revival_class_init (object_class);
  object_class->dispose = ferry_exporter_dispose;
  object_class->finalize = ferry_exporter_finalize;

  install_places ();
  install_state ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_exporter_init (FerryExporter *self)
{
  self->generation = (guint64) g_random_int () << 32 | g_random_int () | 1;
  self->table = ferry_object_table_new ();
  self->weak = ferry_weak_new (self);
  self->n_threads = -1;
  pthread_mutex_init (&self->lock, NULL);
  ferry_wait_queue_init (&self->closing);
  self->names = new_names ();
  self->sessions = g_ptr_array_new_with_free_func (g_object_unref);
}
