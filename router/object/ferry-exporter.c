/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether it listens, and where. What is exported is in ferry-exporter-objects.c, where it is done in
 * ferry-exporter-serve.c; transports are its links', requests are runs'. */

#include "config.h"

#include "object/ferry-exporter-fields-private.h"

#include "base/ferry-base-private.h"
#include "object/ferry-view-run-private.h"

/**
 * FerryExporter:
 *
 * Offers objects of this process to others, over any number of transports: an application its objects to its workers,
 * a worker its own to the application. What can be reached are the objects that have a name here, with what their
 * interfaces list and nothing else, and those that their methods give away, where their type was exported.
 *
 * Methods are called on a thread of the exporter's own, unless [method@Ferry.Exporter.set_context],
 * [method@Ferry.Exporter.set_threads] or [method@Ferry.Exporter.set_by_hand] says where else.
 *
 * Another process has a reference to each object of which it has a proxy; it is dropped with the proxy, and with the
 * transport. A reference belongs to the transport over which it was given, and to this exporter: anywhere else, and
 * after either has gone, it is %FERRY_ERROR_UNKNOWN_OBJECT, and never another object.
 *
 * With the last reference to the exporter all transports lose it: whoever waits for an answer gets one, or a refusal. A
 * call that has begun holds one until it is answered; to end before, close the transports.
 *
 * Any thread may use it.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryExporter, ferry_exporter, G_TYPE_OBJECT)

enum
{
  PROP_LISTENING = 1,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/**
 * ferry_exporter_new:
 *
 * Any thread.
 *
 * Returns: (transfer full): an exporter that exports nothing and does not listen
 *
 * Since: 0.1
 */
FerryExporter *
ferry_exporter_new (void)
{
  return g_object_new (FERRY_TYPE_EXPORTER, NULL);
}

guint64
ferry_exporter_get_generation (FerryExporter *self)
{
  return self->generation;
}

GMainContext *
ferry_exporter_get_context (FerryExporter *self)
{
  return self->context;
}

void
ferry_exporter_count_request (FerryExporter *self)
{
  /* Relaxed: a count. */
  atomic_fetch_add_explicit (&self->n_requests, 1, memory_order_relaxed);
}

/* ---- transports ---- */

/**
 * ferry_exporter_add_transport:
 * @self: an exporter
 * @transport: over which others may ask
 * @error: return location for an error
 *
 * Answers over a transport, until that ends. While the exporter does not listen, the answer is
 * %FERRY_ERROR_NOT_LISTENING. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING where something answers there already.
 *
 * Returns: whether it does
 *
 * Since: 0.1
 */
gboolean
ferry_exporter_add_transport (FerryExporter *self, FerryTransport *transport, GError **error)
{
  g_autoptr (FerryExporterLink) link = NULL;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), FALSE);

  link = ferry_exporter_link_new (self, transport);
  ferry_exporter_place_demux (self, ferry_exporter_link_get_demux (link));
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->links, g_object_ref (link));
  pthread_mutex_unlock (&self->lock);
  if (ferry_exporter_link_start (link, error))
    return TRUE;
  ferry_exporter_drop_link (self, link);
  return FALSE;
}

void
ferry_exporter_drop_link (FerryExporter *self, gpointer link)
{
  g_autoptr (FerryExporterLink) held = NULL;
  g_autoptr (GError) reason = NULL;
  guint index;

  pthread_mutex_lock (&self->lock);
  if (g_ptr_array_find (self->links, link, &index))
    held = g_object_ref (link);
  if (held != NULL)
    g_ptr_array_remove_index_fast (self->links, index);
  pthread_mutex_unlock (&self->lock);
  reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The exporter has left the transport");
  if (held != NULL)
    ferry_exporter_link_close (held, reason);
}

GPtrArray *
ferry_exporter_list_links (FerryExporter *self)
{
  GPtrArray *links = g_ptr_array_new_with_free_func (g_object_unref);

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->links->len; i++)
    g_ptr_array_add (links, g_object_ref (self->links->pdata[i]));
  pthread_mutex_unlock (&self->lock);
  return links;
}

/**
 * ferry_exporter_get_n_transports:
 * @self: an exporter
 *
 * Any thread.
 *
 * Returns: over how many transports it answers
 *
 * Since: 0.1
 */
guint
ferry_exporter_get_n_transports (FerryExporter *self)
{
  guint n;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), 0);

  pthread_mutex_lock (&self->lock);
  n = self->links->len;
  pthread_mutex_unlock (&self->lock);
  return n;
}

/**
 * ferry_exporter_get_n_references:
 * @self: an exporter
 *
 * An object is counted once for each transport over which there is a reference to it. Any thread.
 *
 * Returns: how many references others have
 *
 * Since: 0.1
 */
guint64
ferry_exporter_get_n_references (FerryExporter *self)
{
  g_autoptr (GPtrArray) links = NULL;
  guint64 n = 0;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), 0);

  links = ferry_exporter_list_links (self);
  for (guint i = 0; i < links->len; i++)
    n += ferry_references_get_n (ferry_exporter_link_get_references (links->pdata[i]));
  return n;
}

/* ---- listening ---- */

gboolean
ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error)
{
  gboolean listening;
  gboolean refuses;

  pthread_mutex_lock (&self->lock);
  listening = self->listening || (before && self->stop_mode == FERRY_STOP_MODE_FULFIL);
  refuses = before && self->stop_mode == FERRY_STOP_MODE_REFUSE;
  pthread_mutex_unlock (&self->lock);
  if (listening)
    return TRUE;
  if (refuses)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_REFUSED,
                         "The exporter was stopped before this was begun; ask again when it listens");
  else
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING,
                         "The exporter does not listen; wait until it does");
  return FALSE;
}

/* Those that there are now: one that was added before the flag was set would hear of it from nobody else. */
static void
tell_links (FerryExporter *self, gboolean listening)
{
  g_autoptr (GPtrArray) links = ferry_exporter_list_links (self);

  for (guint i = 0; i < links->len; i++)
    ferry_exporter_link_tell (links->pdata[i], listening);
}

/* Returns whether that is news. */
static gboolean
set_listening (FerryExporter *self, gboolean listening, FerryStopMode mode)
{
  g_autoptr (GPtrArray) links = ferry_exporter_list_links (self);
  /* What comes behind a stop does not become what came before by another one. */
  gboolean stops = !listening && ferry_exporter_get_listening (self);
  gboolean changed;

  for (guint i = 0; i < links->len && stops; i++)
    ferry_exporter_link_begin_stop (links->pdata[i]);
  pthread_mutex_lock (&self->lock);
  changed = self->listening != listening;
  self->listening = listening;
  self->stop_mode = changed ? mode : self->stop_mode;
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < links->len && stops; i++)
    ferry_exporter_link_end_stop (links->pdata[i]);
  if (!changed)
    return FALSE;
  tell_links (self, listening);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING]);
  return TRUE;
}

/**
 * ferry_exporter_start:
 * @self: an exporter
 *
 * Listens, from now on, over the transports that it has and those that it gets. Does nothing where it listens. Any
 * thread.
 *
 * Since: 0.1
 */
void
ferry_exporter_start (FerryExporter *self)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));

  set_listening (self, TRUE, FERRY_STOP_MODE_FULFIL);
}

static void
refuse_waiting (FerryExporter *self)
{
  g_autoptr (GPtrArray) list = ferry_object_table_list (self->table);
  g_autoptr (GError) error = NULL;

  ferry_exporter_check_listening (self, TRUE, &error);
  for (guint i = 0; i < list->len; i++)
    ferry_exported_refuse_waiting (list->pdata[i], error);
}

/**
 * ferry_exporter_stop:
 * @self: an exporter
 * @mode: what becomes of what was asked before
 *
 * Does not listen any more; it may be started again. What has begun goes on to its answer, what is asked from now on is
 * answered with %FERRY_ERROR_NOT_LISTENING, and what is followed ends with it; references stay. It does not wait. Does
 * nothing where it does not listen. Any thread, also in a method.
 *
 * Since: 0.1
 */
void
ferry_exporter_stop (FerryExporter *self, FerryStopMode mode)
{
  g_return_if_fail (FERRY_IS_EXPORTER (self));

  if (set_listening (self, FALSE, mode) && mode == FERRY_STOP_MODE_REFUSE)
    refuse_waiting (self);
}

/**
 * ferry_exporter_get_listening:
 * @self: an exporter
 *
 * Any thread.
 *
 * Returns: whether it was started and not stopped
 *
 * Since: 0.1
 */
gboolean
ferry_exporter_get_listening (FerryExporter *self)
{
  gboolean listening;

  g_return_val_if_fail (FERRY_IS_EXPORTER (self), FALSE);

  pthread_mutex_lock (&self->lock);
  listening = self->listening;
  pthread_mutex_unlock (&self->lock);
  return listening;
}

/* ---- the object ---- */

static void
ferry_exporter_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  switch (property_id)
    {
    case PROP_LISTENING:
      g_value_set_boolean (value, ferry_exporter_get_listening (FERRY_EXPORTER (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_exporter_dispose (GObject *object)
{
  FerryExporter *self = FERRY_EXPORTER (object);
  g_autoptr (GPtrArray) links = ferry_exporter_list_links (self);

  for (guint i = 0; i < links->len; i++)
    ferry_exporter_drop_link (self, links->pdata[i]);

  G_OBJECT_CLASS (ferry_exporter_parent_class)->dispose (object);
}

static void
ferry_exporter_finalize (GObject *object)
{
  FerryExporter *self = FERRY_EXPORTER (object);

  g_hash_table_unref (self->names);
  g_ptr_array_unref (self->types);
  g_hash_table_unref (self->functions);
  g_ptr_array_unref (self->links);
  ferry_object_table_unref (self->table);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_exporter_parent_class)->finalize (object);
}

static void
ferry_exporter_class_init (FerryExporterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_exporter_get_property;
  object_class->dispose = ferry_exporter_dispose;
  object_class->finalize = ferry_exporter_finalize;

  /**
   * FerryExporter:listening:
   *
   * Whether it was started and not stopped. It is notified on the thread that does either.
   *
   * Since: 0.1
   */
  properties[PROP_LISTENING] =
    g_param_spec_boolean ("listening", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static guint64
make_generation (void)
{
  guint64 generation;

  do
    generation = (guint64) g_random_int () << 32 | g_random_int ();
  while (generation == 0);
  return generation;
}

static void
ferry_exporter_init (FerryExporter *self)
{
  self->generation = make_generation ();
  self->table = ferry_object_table_new ();
  self->place = FERRY_EXPORTER_PLACE_THREADS;
  self->n_threads = 1;
  pthread_mutex_init (&self->lock, NULL);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) ferry_exported_unref);
  self->types = g_ptr_array_new_with_free_func (ferry_exporter_type_free);
  self->functions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, ferry_pass_function_free);
  self->links = g_ptr_array_new_with_free_func (g_object_unref);
}
