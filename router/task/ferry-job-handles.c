/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a job was given beside its arguments. A function gets copies, so that it need not know who else uses a handle,
 * and what it forgets to ask for is closed when it returns. */

#include "config.h"

#include "task/ferry-job-handles-private.h"

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"

typedef struct
{
  GArray *descriptors; /* (element-type int) (owned elements) */
  gboolean is_short;
} Handed;

static void
handed_free (gpointer data)
{
  Handed *self = data;

  ferry_descriptors_free (self->descriptors);
  g_free (self);
}

void
ferry_call_take_descriptors (FerryCall *call, const FerryDownMessage *message)
{
  GArray *descriptors = message->descriptors;
  Handed *self;

  if (descriptors == NULL)
    return;
  self = g_new (Handed, 1);
  *self = (Handed){g_array_new (FALSE, FALSE, sizeof (int)), message->is_short};
  g_array_append_vals (self->descriptors, descriptors->data, descriptors->len);
  g_array_set_size (descriptors, 0);
  ferry_call_attach (call, self, handed_free);
}

gboolean
ferry_call_check_descriptors (FerryCall *call, GError **error)
{
  const Handed *self = ferry_call_get_attached (call);

  if (self == NULL || !self->is_short)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "The worker could take only %u of the descriptors that come with “%s”; raise its limit of open files, "
               "or close some",
               self->descriptors->len, ferry_call_get_method (call));
  return FALSE;
}

void
ferry_call_drop_descriptors (FerryCall *call)
{
  Handed *self = ferry_call_get_attached (call);

  if (self != NULL)
    ferry_descriptors_close (self->descriptors);
}

int
ferry_call_find_descriptor (FerryCall *call, gint handle, const char *function_name, GError **error)
{
  const Handed *handed = ferry_call_get_attached (call);
  guint n = handed != NULL ? handed->descriptors->len : 0;

  if (handle >= 0 && (guint) handle < n)
    return g_array_index (handed->descriptors, int, handle);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The task of “%s” was given %u descriptors, and no handle %d; give it what its arguments name with "
               "ferry_task_add_descriptor() or ferry_task_add_bytes()",
               function_name, n, handle);
  return -1;
}
