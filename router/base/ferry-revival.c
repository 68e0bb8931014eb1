/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects that outlive their dispose().
 *
 * Another thread may drop the last reference of such an object:
 *
 *   static void
 *   thing_dispose (GObject *object)
 *   {
 *     if (is_in_use (object))
 *       {
 *         ferry_revive (object, hand_on, queue);
 *         return;
 *       }
 *     ...
 *
 * Until 2.80, g_object_unref() uses an object that was given a reference in its dispose() after it has given its own
 * one back. Another thread that drops the new reference then frees the object beneath it. So the new reference is
 * handed on by the thread that disposes of the object, as the last thing that GObject does with it.
 *
 * g_object_unref() keeps the notifications of properties back before it calls dispose(). If the object has a reference
 * afterwards, they are dispatched. So a notification that dispose() asks for comes when dispose() is over, on the same
 * thread, and nothing uses the object after the class has dispatched it. A property of our own carries it, which no
 * class has and no handler sees.
 *
 * Threads: any. */

#include "config.h"

#include "base/ferry-revival-private.h"

typedef struct
{
  FerryRevived revived;
  gpointer data;
} Revival;

static GQuark
get_quark (void)
{
  return g_quark_from_static_string ("ferry-revival");
}

static GParamSpec *
get_property (void)
{
  static gsize property;

  if (g_once_init_enter (&property))
    {
      GParamSpec *made = g_param_spec_boolean ("ferry-revived", NULL, NULL, FALSE, G_PARAM_READABLE);

      g_once_init_leave (&property, (gsize) g_param_spec_ref_sink (made));
    }
  return (GParamSpec *) property;
}

/* any: the object that has ended its dispose(), as all that was to be dispatched of it is. */
static void
end_revival (GObject *object)
{
  g_autofree Revival *revival = g_object_steal_qdata (object, get_quark ());

  revival->revived (object, revival->data);
}

static void
dispatch (GObject *object, guint n_properties, GParamSpec **properties)
{
  GObjectClass *klass = g_type_class_peek (G_TYPE_OBJECT);
  gboolean is_revived = FALSE;

  for (guint i = 0; i < n_properties; i++)
    if (properties[i] == get_property ())
      is_revived = TRUE;
    else
      klass->dispatch_properties_changed (object, 1, &properties[i]);
  if (is_revived)
    end_revival (object);
}

void
ferry_revival_class_init (GObjectClass *klass)
{
  klass->dispatch_properties_changed = dispatch;
}

void
ferry_revive (gpointer object, FerryRevived revived, gpointer data)
{
  Revival *revival = g_new (Revival, 1);

  *revival = (Revival){revived, data};
  g_object_set_qdata (g_object_ref (object), get_quark (), revival);
  g_object_notify_by_pspec (object, get_property ());
}
