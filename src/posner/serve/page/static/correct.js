export class Correction {}
