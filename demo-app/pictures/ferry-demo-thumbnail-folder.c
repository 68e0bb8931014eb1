/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnail-folder.h"

#include "pictures/ferry-demo-thumbnail.h"

#define ATTRIBUTES                                                                                                     \
  G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_IS_HIDDEN            \
                                 "," G_FILE_ATTRIBUTE_STANDARD_FAST_CONTENT_TYPE

#define FILES_AT_A_TIME 200

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

static void
next_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GFileEnumerator *files = G_FILE_ENUMERATOR (source);
  g_autoptr (GTask) task = user_data;
  GPtrArray *pictures = g_task_get_task_data (task);
  GError *error = NULL;
  GList *infos = g_file_enumerator_next_files_finish (files, result, &error);

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (infos == NULL)
    {
      g_ptr_array_sort (pictures, compare);
      g_task_return_pointer (task, g_ptr_array_ref (pictures), (GDestroyNotify) g_ptr_array_unref);
      return;
    }
  for (GList *item = infos; item != NULL; item = item->next)
    take_file (pictures, files, item->data);
  g_list_free_full (infos, g_object_unref);
  g_file_enumerator_next_files_async (files, FILES_AT_A_TIME, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                      next_cb, g_object_ref (task));
}

static void
enumerate_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (GFileEnumerator) files = g_file_enumerate_children_finish (G_FILE (source), result, &error);

  if (files == NULL)
    g_task_return_error (task, error);
  else
    g_file_enumerator_next_files_async (files, FILES_AT_A_TIME, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                        next_cb, g_object_ref (task));
}

void
ferry_demo_thumbnail_folder_list_async (GFile *folder, GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  GTask *task = g_task_new (folder, cancellable, callback, user_data);

  g_task_set_task_data (task, g_ptr_array_new_with_free_func (g_object_unref), (GDestroyNotify) g_ptr_array_unref);
  g_file_enumerate_children_async (folder, ATTRIBUTES, G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT, cancellable,
                                   enumerate_cb, task);
}

GPtrArray *
ferry_demo_thumbnail_folder_list_finish (GFile *folder, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
