/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-exporter-session-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-depth-private.h"
#include "base/ferry-error.h"
#include "base/ferry-mailbox-private.h"
#include "call/ferry-demux-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-evaluation-private.h"
#include "object/ferry-interface-private.h"
#include "object/ferry-paced-sender-private.h"
#include "object/ferry-subscriber-private.h"

struct _FerryExporterSession
{
  GObject parent_instance;

  GWeakRef exporter;         /* (element-type FerryExporter): the session does not keep its exporter alive */
  FerryTransport *transport; /* const, also the next two fields: (owned) */
  FerryDemux *demux;
  GMainContext
    *context; /* (nullable): the main context on which methods are called and objects are freed; NULL: any thread */

  pthread_mutex_t lock;
  GHashTable *handles;      /* lock: (element-type guint64 Handle) (owned): by FerryExported.number */
  gsize value_bytes;        /* lock: the total size of the values that handles refer to */
  GPtrArray *subscriptions; /* lock, also for the fields below: (element-type FerryPacedSender) (owned) */
  GPtrArray *watches;  /* (element-type FerryPacedSender) (owned): streams that report whether the exporter listens */
  guint64 last_before; /* the number of the last invocation that came before the latest stop */
  gboolean closed;
};

typedef struct
{
  FerryExported *exported; /* (owned) */
  guint64 count;
} Handle;

G_DEFINE_FINAL_TYPE (FerryExporterSession, ferry_exporter_session, G_TYPE_OBJECT)

FerryDemux *
ferry_exporter_session_get_demux (FerryExporterSession *self)
{
  return self->demux;
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

guint64
ferry_exporter_session_get_n_references (FerryExporterSession *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return g_hash_table_size (self->handles);
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
  if (generation != ferry_exporter_get_generation (exporter))
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
  if (root->generation == ferry_exporter_get_generation (exporter))
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
      "The description's request does not name an object; its arguments must have the type “(stt)”");
  g_variant_get (arguments, "(&stt)", &root.name, &root.generation, &root.number);
  exported = find (self, exporter, &root, error);
  if (exported != NULL && exported->interface == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                     "The reference is to a value, and a value has no description; ask for that of an object");
  if (exported == NULL || exported->interface == NULL)
    return FALSE;
  ferry_invocation_return_value (invocation, ferry_interface_describe (exported->interface));
  return TRUE;
}

/* ---- views ---- */

typedef struct
{
  FerryExporterSession *session; /* (owned) */
  FerryInvocation *invocation;   /* (owned) */
  gboolean as_proxy;
} Request;

/* Fills result with a reference to the object, or with the value; result borrows both. A reference is counted in the
 * handle table. */
static gboolean
make_result (Request *self, FerryExporter *exporter, FerryExported *object, GVariant *value, FerryViewResult *result,
             GError **error)
{
  g_autoptr (FerryExported) held = NULL;

  if (object == NULL && value != NULL && self->as_proxy)
    object = held = ferry_exporter_hold_value (exporter, value);
  if (object == NULL)
    {
      result->value = value;
      return value == NULL || ferry_depth_check (value, error);
    }
  if (!add_reference (self->session, object, error))
    return FALSE;
  result->generation = ferry_exporter_get_generation (exporter);
  result->number = object->number;
  result->interface = object->interface != NULL ? ferry_interface_get_name (object->interface) : NULL;
  return TRUE;
}

static void
request_done (gpointer data, FerryExported *object, GVariant *value, const GError *error)
{
  Request *self = data;
  g_autoptr (FerryExporter) exporter = g_weak_ref_get (&self->session->exporter);
  g_autoptr (GError) failure = error != NULL ? ferry_error_copy (error) : NULL;
  g_autofree char *name = object != NULL ? ferry_exported_dup_name (object) : NULL;
  FerryViewResult result = {.name = name};

  if (failure == NULL && exporter == NULL)
    failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter is gone");
  if (error != NULL)
    ferry_error_mark_raised (failure);
  if (failure != NULL || !make_result (self, exporter, object, value, &result, &failure))
    ferry_demux_invocation_pass_error (self->invocation, failure);
  else
    ferry_invocation_return_value (self->invocation, ferry_view_result_to_variant (&result));
}

static void
request_free (gpointer data)
{
  Request *self = data;

  g_object_unref (self->session);
  ferry_invocation_unref (self->invocation);
  g_free (self);
}

/* Begins to resolve the view of a request; the result answers the request. Returns FALSE with an error when the view
 * has not begun. */
static gboolean
start_view (FerryExporterSession *self, FerryExporter *exporter, FerryInvocation *invocation, GError **error)
{
  FerryViewRequest view;
  FerryExported *root;
  g_autoptr (FerryEvaluation) evaluation = NULL;
  FerryEvaluationCaller caller = {.done = request_done,
                                  .destroy = request_free,
                                  .invocation = invocation,
                                  .deadline = ferry_invocation_get_deadline (invocation)};
  Request *request;

  if (!ferry_view_request_take (&view, ferry_invocation_get_arguments (invocation), error))
    return FALSE;
  root = find (self, exporter, &view.root, error);
  if (root == NULL)
    {
      g_autofree char *place = ferry_view_request_to_string (&view, view.n_steps);
      g_autofree char *trace = ferry_trace_add_place (NULL, place);

      ferry_error_set_trace (*error, trace);
      ferry_view_request_clear (&view);
      return FALSE;
    }
  request = g_new (Request, 1);
  *request = (Request){g_object_ref (self), ferry_invocation_ref (invocation), view.as_proxy};
  caller.data = request;
  evaluation = ferry_exporter_new_evaluation (exporter, &view, root, &caller);
  ferry_evaluation_start (evaluation);
  return TRUE;
}

/* ---- streams: subscriptions, and watches of whether the exporter listens ---- */

/* Adds a stream. The stream removes itself from the session when it ends. Fails with FERRY_ERROR_TOO_LARGE when
 * there are too many. */
static gboolean
add_sender (FerryExporterSession *self, GPtrArray *senders, FerryPacedSender *sender, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport has ended; connect again");
  if (senders->len >= FERRY_MAX_SUBSCRIBERS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The transport has %d %s, and cannot have more; end some of them first",
                            FERRY_MAX_SUBSCRIBERS, senders == self->watches ? "watches" : "subscriptions");
  g_ptr_array_add (senders, ferry_paced_sender_ref (sender));
  return TRUE;
}

static void
remove_sender (FerryExporterSession *self, GPtrArray *senders, FerryPacedSender *sender)
{
  g_autoptr (FerryPacedSender) held = NULL;
  guint index;

  FERRY_AUTO_LOCK (&self->lock);
  if (g_ptr_array_find (senders, sender, &index))
    held = g_ptr_array_steal_index_fast (senders, index);
}

/* Returns (element-type FerryPacedSender) (transfer full): a copy of a list of streams. */
static GPtrArray *
list_senders (FerryExporterSession *self, GPtrArray *senders)
{
  FERRY_AUTO_LOCK (&self->lock);
  return g_ptr_array_copy (senders, (GCopyFunc) (GCallback) ferry_paced_sender_ref, NULL);
}

/* Ends streams with reason. by_name: (nullable): ends only the subscriptions that found this object by its name. */
static void
end_senders (FerryExporterSession *self, GPtrArray *senders, FerryExported *by_name, const GError *reason)
{
  g_autoptr (GPtrArray) list = list_senders (self, senders);

  for (guint i = 0; i < list->len; i++)
    if (by_name == NULL || ferry_subscriber_has_by_name (list->pdata[i], by_name))
      ferry_paced_sender_end (list->pdata[i], reason);
}

typedef struct
{
  FerryExporterSession *session; /* const: (owned) */
  FerryPacedSender *sender;      /* const: (unowned) */
  int listening;   /* only for watch_make(), also the next field: the value in the last item; -1 before the first */
  guint64 n_names; /* ferry_exporter_get_n_names() at the last item */
} Watch;

static GVariant *
watch_make (gpointer data)
{
  Watch *self = data;
  g_autoptr (FerryExporter) exporter = g_weak_ref_get (&self->session->exporter);
  gboolean listening = exporter != NULL && ferry_exporter_get_listening (exporter);
  guint64 n_names = exporter != NULL ? ferry_exporter_get_n_names (exporter) : 0;

  if (self->listening == listening && self->n_names == n_names)
    return NULL;
  self->listening = listening;
  self->n_names = n_names;
  return g_variant_new ("(bt)", listening, exporter != NULL ? ferry_exporter_get_generation (exporter) : 0);
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
  g_autoptr (GPtrArray) watches = list_senders (self, self->watches);

  for (guint i = 0; i < watches->len; i++)
    ferry_paced_sender_kick (watches->pdata[i]);
}

void
ferry_exporter_session_tell (FerryExporterSession *self, gboolean listening)
{
  g_autoptr (GError) reason = NULL;

  tell_watches (self);
  if (listening)
    return;
  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                                "The exporter was stopped; subscribe again when it listens");
  end_senders (self, self->subscriptions, NULL, reason);
}

void
ferry_exporter_session_tell_names (FerryExporterSession *self, FerryExported *left)
{
  g_autoptr (GError) reason = g_error_new_literal (
    FERRY_ERROR, FERRY_ERROR_NOT_LISTENING, "The object was unexported; subscribe again when an object has its name");

  if (left != NULL)
    end_senders (self, self->subscriptions, left, reason);
  tell_watches (self);
}

/* ---- subscriptions ---- */

static void
subscriber_gone (gpointer session, FerryPacedSender *subscription)
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
    subscription =
      ferry_subscriber_new (invocation, ferry_exported_ref (exported), &request, subscriber_gone, self, &error);
  if (subscription == NULL)
    ferry_demux_invocation_pass_error (invocation, error);
  else if (begin_subscriber (self, exporter, subscription, &request.root, exported, &error))
    ferry_paced_sender_kick (subscription);
  else
    ferry_paced_sender_end (subscription, error);
  ferry_follow_request_clear (&request);
}

/* ---- requests ---- */

void
ferry_exporter_session_mark_stop (FerryExporterSession *self)
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
    answered = start_view (self, exporter, invocation, &error);
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
  g_autoptr (FerryExporter) exporter = g_weak_ref_get (&self->exporter);

  if (exporter == NULL)
    {
      ferry_invocation_refuse (invocation, "The exporter is gone");
      return;
    }
  ferry_exporter_count_request (exporter);
  if (g_str_equal (method, FERRY_OBJECT_METHOD_RELEASE))
    drop_references (self, exporter, invocation);
  else if (ferry_invocation_is_one_way (invocation))
    /* The result may be a reference, which the other end would never drop. */
    g_debug ("A one-way call of “%s” is ignored: only its answer is of use", method);
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

static void
transport_ended (FerryTransport *transport, GObject *owner)
{
  FerryExporterSession *self = FERRY_EXPORTER_SESSION (owner);
  g_autoptr (FerryExporter) exporter = g_weak_ref_get (&self->exporter);
  g_autoptr (GError) reason = NULL;

  if (exporter != NULL)
    {
      ferry_exporter_drop_session (exporter, self);
      return;
    }
  reason = ferry_transport_dup_reason (transport);
  ferry_exporter_session_close (self, reason);
}

gboolean
ferry_exporter_session_start (FerryExporterSession *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    ferry_demux_add_handler (self->demux, methods[i], request_came, g_object_ref (self), g_object_unref);
  if (!ferry_demux_start (self->demux, error))
    return FALSE;
  ferry_transport_watch_end (self->transport, transport_ended, G_OBJECT (self));
  if (ferry_transport_get_closed (self->transport))
    transport_ended (self->transport, G_OBJECT (self));
  return TRUE;
}

void
ferry_exporter_session_close (FerryExporterSession *self, const GError *reason)
{
  GHashTable *handles;
  gboolean was_closed;

  pthread_mutex_lock (&self->lock);
  was_closed = self->closed;
  self->closed = TRUE;
  handles = self->handles;
  self->handles = new_handles ();
  self->value_bytes = 0;
  pthread_mutex_unlock (&self->lock);
  drop_handles (self, handles);
  if (was_closed)
    return;
  ferry_transport_unwatch_end (self->transport, G_OBJECT (self));
  ferry_demux_stop (self->demux);
  end_senders (self, self->subscriptions, NULL, reason);
  end_senders (self, self->watches, NULL, reason);
  /* The handlers have references to the session: remove them, so that it can be freed. */
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    ferry_demux_remove_handler (self->demux, methods[i]);
}

/* Returns (nullable) the steps of a requested view as text, for logs. */
static char *
describe_request (const char *method, GVariant *arguments)
{
  FerryViewRequest view;
  char *words;

  if (!g_str_equal (method, FERRY_OBJECT_METHOD_VIEW) || !ferry_view_request_take (&view, arguments, NULL))
    return NULL;
  words = ferry_view_request_to_string (&view, view.n_steps);
  ferry_view_request_clear (&view);
  return words;
}

FerryExporterSession *
ferry_exporter_session_new (FerryExporter *exporter, FerryTransport *transport)
{
  FerryExporterSession *self = g_object_new (FERRY_TYPE_EXPORTER_SESSION, NULL);

  g_weak_ref_set (&self->exporter, exporter);
  self->transport = g_object_ref (transport);
  self->demux = ferry_demux_new (transport);
  ferry_demux_set_describe_func (self->demux, describe_request);
  if (ferry_exporter_get_context (exporter) != NULL)
    self->context = g_main_context_ref (ferry_exporter_get_context (exporter));
  return self;
}

static void
ferry_exporter_session_finalize (GObject *object)
{
  FerryExporterSession *self = FERRY_EXPORTER_SESSION (object);

  g_weak_ref_clear (&self->exporter);
  g_clear_object (&self->demux);
  g_clear_object (&self->transport);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_hash_table_unref (self->handles);
  g_ptr_array_unref (self->subscriptions);
  g_ptr_array_unref (self->watches);
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
  g_weak_ref_init (&self->exporter, NULL);
  pthread_mutex_init (&self->lock, NULL);
  self->handles = new_handles ();
  self->subscriptions = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_paced_sender_unref);
  self->watches = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_paced_sender_unref);
}
