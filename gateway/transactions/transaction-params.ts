/** The path parameter of everything that is about one transaction. */
import { Type } from 'typebox';

export const TransactionParams = Type.Object({
  id: Type.String({
    pattern: '^[A-Za-z0-9._~-]{1,128}$',
    description: 'Transaction, named by the client: 1 to 128 letters, digits, ".", "_", "~" or "-"',
  }),
});
