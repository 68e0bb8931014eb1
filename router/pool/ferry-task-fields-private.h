/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The settings of a task: what its function does not see, and those who run it go by. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* FerryTask has a property of the name of each. Durations in microseconds, 0 for none. */
typedef struct
{
  gint64 deadline; /* monotonic time; 0: none. Of what is packed, what both ends have agreed on */
  gint64 run_timeout;
  gint64 queue_timeout;
  gint64 cancel_grace;
  gint64 retry_pause;
  gint64 max_retry_pause;
  guint retries;
  guint window;
  gboolean holds_window;
  guint max_returned_descriptors;
  gboolean idempotent;
  gboolean stoppable;
  gboolean interactive;
} FerryTaskSettings;

#define FERRY_DEFAULT_CANCEL_GRACE (2 * G_USEC_PER_SEC)
/* That of programs, and of functions that run some. A program that is interrupted may finish its file, as ffmpeg does,
 * which takes a second or two on a busy machine, and its worker removes the file after that. */
#define FERRY_PROGRAMS_CANCEL_GRACE (10 * G_USEC_PER_SEC)
#define FERRY_DEFAULT_WINDOW 16

extern const FerryTaskSettings ferry_default_task_settings;

#define FERRY_N_TASK_FIELDS 13

/* Where settings go with a task. */
typedef enum
{
  FERRY_TASK_FIELDS_OF_FILE = 1 << 0,    /* into a queue's file */
  FERRY_TASK_FIELDS_OF_STREAM = 1 << 1,  /* to the hosts of a queue */
  FERRY_TASK_FIELDS_OF_SESSION = 1 << 2, /* to a host, with a run of it */
} FerryTaskFieldsPlace;

/* Returns (transfer full) a property that is the setting of that number. */
GParamSpec *ferry_task_field_new_property (guint field);
/* Returns where the setting is in FerryTaskSettings. */
gsize ferry_task_field_get_offset (guint field);
/* Adds the settings that go there, and have not their default, to an “a{sv}”. */
FERRY_FOR_SIBLINGS
void ferry_task_fields_pack (const FerryTaskSettings *self, FerryTaskFieldsPlace place, GVariantBuilder *builder);
/* The reverse, of an “a{sv}” that may be hostile (nullable). What is missing has its default, and names that this
 * version does not know are passed over. Returns FALSE for a value of a wrong type, or out of its range. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_fields_unpack (FerryTaskSettings *self, FerryTaskFieldsPlace place, GVariant *packed);

G_END_DECLS
