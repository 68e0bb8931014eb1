/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/notify-watch.h"

/* What is notified late comes with a timer that is due much earlier than this. */
#define PATIENCE_MILLISECONDS 3000

typedef struct
{
  GObject *object; /* (owned) */
  GParamSpec **pspecs;
  GValue *told;
  guint n;
} WatchedObject;

static void
read_value (GObject *object, GParamSpec *pspec, GValue *value)
{
  g_value_unset (value);
  g_value_init (value, pspec->value_type);
  g_object_get_property (object, pspec->name, value);
}

static void
notify_cb (GObject *object, GParamSpec *pspec, WatchedObject *self)
{
  for (guint i = 0; i < self->n; i++)
    if (self->pspecs[i] == pspec)
      read_value (object, pspec, &self->told[i]);
}

static void
watched_object_free (gpointer data)
{
  WatchedObject *self = data;

  g_signal_handlers_disconnect_by_data (self->object, self);
  for (guint i = 0; i < self->n; i++)
    g_value_unset (&self->told[i]);
  g_free (self->told);
  g_free (self->pspecs);
  g_object_unref (self->object);
  g_free (self);
}

/* Boxed values are copies, of which only those can be compared that are words. */
static gboolean
is_equal (GParamSpec *pspec, const GValue *a, const GValue *b)
{
  if (G_VALUE_HOLDS (a, G_TYPE_STRV) && g_value_get_boxed (a) != NULL && g_value_get_boxed (b) != NULL)
    return g_strv_equal (g_value_get_boxed (a), g_value_get_boxed (b));
  if (G_VALUE_HOLDS_BOXED (a))
    return (g_value_get_boxed (a) != NULL) == (g_value_get_boxed (b) != NULL);
  if (G_VALUE_HOLDS_VARIANT (a) && g_value_get_variant (a) != NULL && g_value_get_variant (b) != NULL)
    return g_variant_equal (g_value_get_variant (a), g_value_get_variant (b));
  return g_param_values_cmp (pspec, a, b) == 0;
}

/* Adds the names of those that have other values than were told. */
static void
find_untold (NotifyWatch *self, GString *names)
{
  for (guint i = 0; i < self->objects->len; i++)
    {
      WatchedObject *object = g_ptr_array_index (self->objects, i);

      for (guint j = 0; j < object->n; j++)
        {
          g_auto (GValue) now = G_VALUE_INIT;
          GParamSpec *pspec = object->pspecs[j];
          g_autofree char *name = g_strdup_printf ("%s:%s", g_type_name (pspec->owner_type), pspec->name);

          read_value (object->object, pspec, &now);
          if (!is_equal (pspec, &now, &object->told[j]) && !g_strv_contains (self->exceptions, name))
            g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
        }
    }
}

NotifyWatch *
notify_watch_new (const char *const *exceptions)
{
  NotifyWatch *self = g_new0 (NotifyWatch, 1);

  self->exceptions = exceptions;
  self->objects = g_ptr_array_new_with_free_func (watched_object_free);
  return self;
}

void
notify_watch_add (NotifyWatch *self, gpointer object)
{
  WatchedObject *watched = g_new0 (WatchedObject, 1);
  guint n_all;

  watched->object = g_object_ref (object);
  watched->pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_all);
  for (guint i = 0; i < n_all; i++)
    if ((watched->pspecs[i]->flags & G_PARAM_READABLE) != 0 &&
        g_str_has_prefix (g_type_name (watched->pspecs[i]->owner_type), "Ferry"))
      watched->pspecs[watched->n++] = watched->pspecs[i];
  watched->told = g_new0 (GValue, watched->n);
  for (guint i = 0; i < watched->n; i++)
    read_value (object, watched->pspecs[i], &watched->told[i]);
  g_signal_connect (object, "notify", G_CALLBACK (notify_cb), watched);
  g_ptr_array_add (self->objects, watched);
}

static gboolean
end_cb (gpointer is_over)
{
  *(gboolean *) is_over = TRUE;
  return G_SOURCE_REMOVE;
}

void
notify_watch_check (NotifyWatch *self)
{
  g_autoptr (GString) untold = g_string_new (NULL);
  gboolean is_over = FALSE;
  guint timer = g_timeout_add_full (G_PRIORITY_LOW, PATIENCE_MILLISECONDS, end_cb, &is_over, NULL);

  find_untold (self, untold);
  while (untold->len > 0 && !is_over)
    {
      g_main_context_iteration (NULL, TRUE);
      g_string_truncate (untold, 0);
      find_untold (self, untold);
    }
  if (!is_over)
    g_source_remove (timer);
  if (untold->len > 0)
    g_error ("These properties have changed, and were not notified: %s", untold->str);
}

void
notify_watch_free (NotifyWatch *self)
{
  g_ptr_array_unref (self->objects);
  g_free (self);
}
