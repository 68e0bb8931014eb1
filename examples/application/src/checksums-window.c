/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

/* The window: a list of files, each of which is a task that computes its checksum. */

#define GDK_DISABLE_DEPRECATION_WARNINGS /* of GtkFileChooserNative: GTK has had GtkFileDialog since 4.10 */

#include "checksums-window.h"

#include <glib/gi18n.h>

struct _ChecksumsWindow
{
  GtkApplicationWindow parent_instance;

  FerryTaskList *list;
  GtkLabel *hint;          /* what to do, or why nothing can be done */
  FerryExecutor *executor; /* (nullable) */
};

G_DEFINE_FINAL_TYPE (ChecksumsWindow, checksums_window, GTK_TYPE_APPLICATION_WINDOW)

static void
done_cb (FerryTask *task)
{
  g_autoptr (GVariant) sum = ferry_task_get_result (task, NULL);

  if (sum != NULL) /* the list itself says why there is none */
    ferry_task_set_outcome (task, FERRY_TASK_STATUS_DONE, g_variant_get_string (sum, NULL));
}

void
checksums_window_open (ChecksumsWindow *self, GFile *file)
{
  g_autofree char *name = g_file_get_basename (file), *path = g_file_get_path (file);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    gtk_label_set_label (self->hint, _ ("Only files of this computer can be opened."));
  if (self->executor == NULL || path == NULL)
    return;
  task = ferry_executor_submit_named (self->executor, name, "sha256", g_variant_new_bytestring (path), &error);
  if (task != NULL)
    g_signal_connect (task, "done", G_CALLBACK (done_cb), NULL);
  else
    gtk_label_set_label (self->hint, error->message);
}

static void
response_cb (GtkNativeDialog *dialog, int response, ChecksumsWindow *self)
{
  g_autoptr (GListModel) files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));

  for (guint i = 0; response == GTK_RESPONSE_ACCEPT && i < g_list_model_get_n_items (files); i++)
    {
      g_autoptr (GFile) file = g_list_model_get_item (files, i);

      checksums_window_open (self, file);
    }
  g_object_unref (dialog);
}

static void
open_activated (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkFileChooserNative *dialog =
    gtk_file_chooser_native_new (_ ("Open Files"), GTK_WINDOW (widget), GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (response_cb), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
checksums_window_dispose (GObject *object)
{
  g_clear_object (&CHECKSUMS_WINDOW (object)->executor);

  G_OBJECT_CLASS (checksums_window_parent_class)->dispose (object);
}

static void
checksums_window_class_init (ChecksumsWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = checksums_window_dispose;
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/example/Checksums/checksums-window.ui");
  gtk_widget_class_bind_template_child (widget_class, ChecksumsWindow, list);
  gtk_widget_class_bind_template_child (widget_class, ChecksumsWindow, hint);
  gtk_widget_class_install_action (widget_class, "win.open", NULL, open_activated);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_o, GDK_CONTROL_MASK, "win.open", NULL);
}

static void
checksums_window_init (ChecksumsWindow *self)
{
  const char *built = g_getenv ("CHECKSUMS_WORKER"); /* to run it from the build folder */
  g_autoptr (GError) error = NULL;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->executor = ferry_executor_new_for_program (built != NULL ? built : WORKER, &error);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.open", self->executor != NULL);
  if (self->executor == NULL)
    {
      gtk_label_set_label (self->hint, error->message);
      return;
    }
  g_object_set (self->executor, "keep-finished", 1000, NULL);
  g_object_set (self->list, "tasks", self->executor, NULL);
  ferry_task_guard_add (G_LIST_MODEL (self->executor), GTK_WINDOW (self));
}

ChecksumsWindow *
checksums_window_new (GtkApplication *application)
{
  return g_object_new (CHECKSUMS_TYPE_WINDOW, "application", application, NULL);
}
