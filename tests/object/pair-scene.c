/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "pair-scene.h"

void
pair_scene_open (PairScene *self, int place, const char *name, FerryInterface *interface, gpointer object)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->exporter = ferry_exporter_new ();
  if (place == PAIR_SCENE_CONTEXT)
    ferry_exporter_set_context (self->exporter, NULL);
  else
    g_object_set (self->exporter, "threads", (int) place, NULL);
  self->interface = interface;
  self->object = object;
  ferry_exporter_export (self->exporter, name, object, interface, FERRY_CALL_POLICY_SERIAL, &error);
  g_assert_no_error (error);
  ferry_exporter_export_type (self->exporter, interface, FERRY_CALL_POLICY_SERIAL);
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  self->proxy = pair_scene_new_proxy (self, name);
}

FerryProxy *
pair_scene_new_proxy (PairScene *self, const char *name)
{
  return self->local ? ferry_proxy_new_local (self->exporter, name) : ferry_proxy_new (self->here, name);
}

void
pair_scene_wait_listening (PairScene *self)
{
  ferry_test_wait_listening (self->proxy);
}

static gboolean
has_no_references (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") == 0;
}

void
pair_scene_wait_dropped (PairScene *self)
{
  ferry_test_look_until (has_no_references, self->exporter);
}

void
pair_scene_close (PairScene *self)
{
  g_clear_object (&self->proxy);
  pair_scene_wait_dropped (self);
  g_clear_object (&self->exporter);
  g_clear_object (&self->interface);
  ferry_transport_close (self->here);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
  ferry_test_finalize (self->object);
}

void
pair_scene_cut (PairScene *self)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  pair_scene_close (self);
}
