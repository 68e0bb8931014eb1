/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnail-folder.h"

#include "pictures/ferry-demo-thumbnail.h"

#define ATTRIBUTES                                                                                                     \
  G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_IS_HIDDEN            \
                                 "," G_FILE_ATTRIBUTE_STANDARD_FAST_CONTENT_TYPE

static gboolean
is_picture (GFileInfo *info)
{
  const char *type = g_file_info_get_attribute_string (info, G_FILE_ATTRIBUTE_STANDARD_FAST_CONTENT_TYPE);
  g_autofree char *mime_type = type != NULL ? g_content_type_get_mime_type (type) : NULL;

  return g_file_info_get_file_type (info) == G_FILE_TYPE_REGULAR && !g_file_info_get_is_hidden (info) &&
         mime_type != NULL && g_str_has_prefix (mime_type, "image/");
}

static void
take_file (GPtrArray *pictures, GFileEnumerator *files, GFileInfo *info)
{
  g_autoptr (GFile) file = g_file_enumerator_get_child (files, info);
  g_autofree char *path = g_file_get_path (file);

  if (path != NULL && is_picture (info))
    g_ptr_array_add (pictures, ferry_demo_thumbnail_new (path));
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return ferry_demo_thumbnail_compare (*(FerryDemoThumbnail *const *) a, *(FerryDemoThumbnail *const *) b);
}

/* On a thread of its own: a folder may be on a slow disk, or on another machine. */
static void
list (GTask *task, gpointer folder, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) pictures = g_ptr_array_new_with_free_func (g_object_unref);
  GError *error = NULL;
  g_autoptr (GFileEnumerator) files =
    g_file_enumerate_children (folder, ATTRIBUTES, G_FILE_QUERY_INFO_NONE, cancellable, &error);
  GFileInfo *info = NULL;

  while (files != NULL && g_file_enumerator_iterate (files, &info, NULL, cancellable, &error) && info != NULL)
    take_file (pictures, files, info);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_ptr_array_sort (pictures, compare);
  g_task_return_pointer (task, g_steal_pointer (&pictures), (GDestroyNotify) g_ptr_array_unref);
}

void
ferry_demo_thumbnail_folder_list_async (GFile *folder, GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (folder, cancellable, callback, user_data);

  g_task_run_in_thread (task, list);
}

GPtrArray *
ferry_demo_thumbnail_folder_list_finish (GFile *folder, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
