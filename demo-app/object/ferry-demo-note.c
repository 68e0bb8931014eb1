/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-note.h"

struct _FerryDemoNote
{
  GObject parent_instance;

  double time;
  char *text;
};

G_DEFINE_FINAL_TYPE (FerryDemoNote, ferry_demo_note, G_TYPE_OBJECT)

static void
ferry_demo_note_finalize (GObject *object)
{
  g_free (FERRY_DEMO_NOTE (object)->text);
  G_OBJECT_CLASS (ferry_demo_note_parent_class)->finalize (object);
}

static void
ferry_demo_note_class_init (FerryDemoNoteClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_note_finalize;
}

static void
ferry_demo_note_init (FerryDemoNote *self)
{
}

FerryDemoNote *
ferry_demo_note_new (double time, const char *text)
{
  FerryDemoNote *self = g_object_new (FERRY_DEMO_TYPE_NOTE, NULL);

  self->time = time;
  self->text = g_strdup (text);
  return self;
}

double
ferry_demo_note_get_time (FerryDemoNote *self)
{
  return self->time;
}

const char *
ferry_demo_note_get_text (FerryDemoNote *self)
{
  return self->text;
}
