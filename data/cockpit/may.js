/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether this user may change something, so that a button can say why not before somebody presses it. The
 * daemon decides for itself, whatever is found out here.
 */

const ACTIONS = {
    create: "org.cxlmem1.create",
    online: "org.cxlmem1.online",
    offline: "org.cxlmem1.online",
    "set-mode": "org.cxlmem1.online",
    destroy: "org.cxlmem1.destroy",
    eject: "org.cxlmem1.destroy",
};

export class May {
    #answers = new Map();

    constructor(cockpit, client) {
        this.cockpit = cockpit;
        this.client = client;
        this.polkit = cockpit.dbus("org.freedesktop.PolicyKit1", { bus: "system" });
        this.permission = cockpit.permission({ admin: true });
        /* As Cockpit's own pages do: with other rights it is another connection. */
        this.permission.addEventListener("changed", () => {
            if (this.admin !== undefined && this.admin !== this.permission.allowed)
                window.location.reload();
            this.admin = this.permission.allowed ?? undefined;
        });
    }

    /**
     * Returns "" when a verb is allowed, else a sentence why not.
     */
    async why_not(verb) {
        const action = ACTIONS[verb];
        if (this.permission.allowed || await this.#asked(action))
            return "";
        return `To ${verb}, turn on administrative access at the top of the page. ` +
            `An administrator can also allow it with a polkit rule for ${action}.`;
    }

    /* What a rule makes of details is not seen here: only the daemon may ask with them. */
    #asked(action) {
        if (!this.#answers.has(action))
            this.#answers.set(action, this.#ask(action));
        return this.#answers.get(action);
    }

    async #ask(action) {
        try {
            await this.client.wait();
            const subject = ["system-bus-name", { name: this.cockpit.variant("s", this.client.unique_name) }];
            const [[yes]] = await this.polkit.call(
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization", [subject, action, {}, 0, ""], { type: "(sa{sv})sa{ss}us" });
            return yes;
        } catch (error) {
            return false;
        }
    }
}
