/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* There is no shell: GLib takes the line apart, and its words reach the program as they are. */

#include "tasks/ferry-demo-command-dialog.h"

#include <glib/gi18n.h>

struct _FerryDemoCommandDialog
{
  AdwWindow parent_instance;

  FerryExecutor *commands;
  GtkEditable *entry;
  GtkLabel *error_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoCommandDialog, ferry_demo_command_dialog, ADW_TYPE_WINDOW)

static void
changed_cb (FerryDemoCommandDialog *self)
{
  const char *line = gtk_editable_get_text (self->entry);
  g_autoptr (GError) error = NULL;
  gboolean is_good = g_shell_parse_argv (line, NULL, NULL, &error);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "command.run", is_good);
  gtk_label_set_text (self->error_label, g_error_matches (error, G_SHELL_ERROR, G_SHELL_ERROR_BAD_QUOTING)
                                           ? _ ("The line ends inside quotation marks, or with a backslash.")
                                           : "");
}

static void
run (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoCommandDialog *self = FERRY_DEMO_COMMAND_DIALOG (widget);
  const char *line = gtk_editable_get_text (self->entry);
  g_autoptr (FerryCommand) command = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;

  if (g_shell_parse_argv (line, NULL, &argv, &error))
    {
      command = ferry_command_new ((const char *const *) argv);
      task = ferry_executor_submit_command (self->commands, command, &error);
    }
  if (task == NULL)
    {
      gtk_label_set_text (self->error_label, error->message);
      return;
    }
  g_object_set (task, "name", line, NULL);
  gtk_window_close (GTK_WINDOW (self));
}

static void
ferry_demo_command_dialog_dispose (GObject *object)
{
  g_clear_object (&FERRY_DEMO_COMMAND_DIALOG (object)->commands);
  G_OBJECT_CLASS (ferry_demo_command_dialog_parent_class)->dispose (object);
}

static void
ferry_demo_command_dialog_class_init (FerryDemoCommandDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_command_dialog_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-command-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoCommandDialog, entry);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoCommandDialog, error_label);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_install_action (widget_class, "command.run", NULL, run);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ferry_demo_command_dialog_init (FerryDemoCommandDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  changed_cb (self);
}

GtkWindow *
ferry_demo_command_dialog_new (GtkWindow *parent, FerryExecutor *commands)
{
  FerryDemoCommandDialog *self = g_object_new (FERRY_DEMO_TYPE_COMMAND_DIALOG, "transient-for", parent, NULL);

  self->commands = g_object_ref (commands);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  /* All of it, with the cursor at the beginning, which is in sight then and says what runs. */
  gtk_editable_select_region (self->entry, -1, 0);
  return GTK_WINDOW (self);
}
